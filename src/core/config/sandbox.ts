/** `sandbox` in the configuration. */
import * as z from 'zod';

/** `*`, `example.com`, `*.example.com`, `192.0.2.7`, `[2001:db8::7]`; all but `*` with an optional port. */
const HOST = /^(?:\*|(?:(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[1-9][0-9]{0,4})?)$/;

const host = z.string().regex(HOST, 'must be a host such as `packages.example.org`, `*.example.com` or `example.com:8443`, or `*` for any');

const path = z
  .string()
  .min(1)
  .refine((value) => !value.includes('\n'), 'must be one line');

export const Sandbox = z.strictObject({
  mode: z
    .enum(['required', 'auto', 'off'])
    .default('required')
    .describe('`required`: no agent runs without bubblewrap; `auto`: unconfined where there is none; `off`: always unconfined.'),
  readable: z.array(path).default([]).describe('Extra paths that the sandbox shows read-only; relative to this file.'),
  disk_mb: z
    .number()
    .int()
    .min(16)
    .max(10_000_000)
    .default(10_240)
    .describe('What one run may keep on disk in its clone and HOME; a run that takes more ends with `resource_limit`.'),
  network: z
    .array(host)
    .max(100)
    .default([])
    .describe('Hosts that `setup` may reach, on ports 80 and 443 or the one given; `"*"` for any host and port.'),
});
