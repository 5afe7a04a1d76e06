/**
 * What GitHub answers is from outside: every answer passes a schema that asks
 * for the fields we use and lets the others be. A field that is missing or of
 * another kind is an error with its place in it, never a silent `undefined`.
 * Pure.
 */
import * as z from 'zod';
import { AgentOsError, type ErrorCode } from '../../errors.ts';
import type { Actor } from '../github.ts';

/** An instant by GitHub's clock; one that cannot be read would compare as "not later" and hide an edit. */
export const instant = z.iso.datetime({ offset: true });

export const sha = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/);

export const number = z.number().int().positive();

/** An account of a REST answer; `null` where it is gone. */
export const account = z.object({ id: number, login: z.string().min(1) }).nullable();

/**
 * @param what the request, as `the issue acme/shop#3`
 * @throws AgentOsError `unavailable`, or `code`: `unknown_outcome` where a write was answered
 */
export function parseAnswer<S extends z.ZodType>(schema: S, answer: unknown, what: string, code: ErrorCode = 'unavailable'): z.output<S> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const place = issue?.path.length ? `\`${issue.path.map(String).join('.')}\`` : 'what was asked for';
  throw new AgentOsError(code, `GitHub's answer about ${what} lacks ${place}, or has it in another form`, {
    hint: 'Try again later; if it stays so, compare the version of the server with the ones the README names.',
    cause: parsed.error,
  });
}

/** The account that stands for those that are gone, as on GitHub's pages; its id is nobody's. */
export function toActor(user: z.output<typeof account>): Actor {
  return user ? { id: user.id, login: user.login } : { id: 0, login: 'ghost' };
}

/**
 * Texts typed into GitHub's pages come with CRLF, those written through the API
 * as they were sent: without this, saving a text unchanged in a browser would
 * look like another text.
 */
export function toText(body: string | null | undefined): string {
  return (body ?? '').replace(/\r\n?/g, '\n');
}
