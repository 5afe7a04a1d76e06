/**
 * The errors that GitHub gives on purpose: they have a `type`, leave `null` at
 * their place and let the rest of the answer stand. Any other error of a
 * resolver is a defect of the test server.
 */

/** What GitHub writes in `errors[].type`. */
export type RefusalType =
  | 'NOT_FOUND'
  | 'FORBIDDEN'
  | 'INSUFFICIENT_SCOPES'
  | 'UNPROCESSABLE'
  | 'VALIDATION'
  | 'ARGUMENT_LIMIT'
  | 'EXCESSIVE_PAGINATION'
  | 'MISSING_PAGINATION_BOUNDARIES'
  | 'INVALID_CURSOR_ARGUMENTS'
  | (string & {});

export class Refusal extends Error {
  readonly type: RefusalType;

  constructor(type: RefusalType, message: string) {
    super(message);
    this.type = type;
  }
}

export function notFound(what: string): Refusal {
  return new Refusal('NOT_FOUND', `Could not resolve to ${what}.`);
}
