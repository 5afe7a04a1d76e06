/** How a host of `sandbox.network` is written. */
import * as z from 'zod';

/** `*`, `example.com`, `*.example.com`, `192.0.2.7`, `[2001:db8::7]`; all but `*` with an optional port. */
const PATTERN = /^(?:\*|(?:(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[1-9][0-9]{0,4})?)$/;

export const host = z
  .string()
  .regex(PATTERN, 'must be a host such as `registry.npmjs.org`, `*.example.com` or `example.com:8443`, or `*` for any');
