/** Kinds of values that several parts of the configuration have. Pure. */
import * as z from 'zod';
import { looksSecret } from './secret-shape.ts';

z.config({ jitless: true });

export const text = z.string().min(1);
export const line = text.refine((value) => !value.includes('\n'), 'must be one line');
export const name = z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, 'use lower case letters, digits, `-` and `_`, starting with a letter');

/** The name of an environment variable; a token in its place would lie in the file for ever. */
export const secretEnv = z
  .string()
  .refine((value) => !looksSecret(value), {
    message: 'put the token into an environment variable and write the name of that variable here',
    abort: true,
  })
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,79}$/, 'must be the name of an environment variable');

/** A key over plain http could be read on its way; this machine alone may be asked so. */
export const modelUrl = line.refine((value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const near = url?.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return url !== undefined && (url.protocol === 'https:' || near) && `${url.username}${url.password}${url.search}${url.hash}` === '';
}, 'must be an `https://` URL (`http://` for localhost alone) without user name, password, `?` and `#`');
