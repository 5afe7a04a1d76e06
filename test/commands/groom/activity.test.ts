import { describe, expect, it } from 'vitest';
import { lastActivity, type Own } from '../../../src/commands/groom/activity.ts';
import type { Comment, IssueEvent } from '../../../src/core/github/github.ts';

const ALONE: Own = { id: 1, shared: false, comments: new Set(), events: new Set() };
const SHARED: Own = { id: 1, shared: true, comments: new Set([7]), events: new Set(['70']) };
const US = { id: 1, login: 'agentos' };
const PERSON = { id: 2, login: 'alice' };
const BOT = { id: 3, login: 'dependabot[bot]' };
const CREATED = '2026-01-01T00:00:00Z';
const LATER = '2026-03-01T00:00:00Z';

const event = (actor: IssueEvent['actor'], label = 'bug', id = '1'): IssueEvent => ({
  id,
  at: LATER,
  ...(actor && { actor }),
  kind: 'labeled',
  label,
});
const comment = (author: Comment['author'], body = 'hello', id = 1): Comment => ({
  id,
  author,
  body,
  createdAt: CREATED,
  updatedAt: LATER,
});

describe('activity of a person', () => {
  it.each<[string, IssueEvent[], Comment[], Own, string]>([
    ['nothing but its creation', [], [], ALONE, CREATED],
    ['a label by a person', [event(PERSON)], [], ALONE, LATER],
    ['a label by an account that is gone', [event(undefined)], [], ALONE, LATER],
    ['a label by another program', [event(BOT)], [], ALONE, CREATED],
    ['a label by us', [event(US)], [], ALONE, CREATED],
    ['a comment, edited later', [], [comment(PERSON)], ALONE, LATER],
    ['a comment by another program', [], [comment(BOT)], ALONE, CREATED],
    ['a comment by us', [], [comment(US)], ALONE, CREATED],
    ['a shared account: a label of its own accord', [event(US)], [], SHARED, LATER],
    ['a shared account: a label that the journal holds', [event(US, 'ready', '70')], [], SHARED, CREATED],
    ['a shared account: a label of our namespace', [event(US, 'groom:stale')], [], SHARED, CREATED],
    ['a shared account: a status label', [event(US, 'agentos:queued')], [], SHARED, CREATED],
    ['a shared account: a comment', [], [comment(US)], SHARED, LATER],
    ['a shared account: a comment that the journal holds', [], [comment(US, 'x', 7)], SHARED, CREATED],
    ['a shared account: a comment with our marker', [], [comment(US, '<!-- agentos:status -->\nx')], SHARED, CREATED],
    ['our marker in a comment of somebody else', [], [comment(PERSON, '<!-- agentos:status -->\nx')], SHARED, LATER],
  ])('%s', (_, events, comments, own, expected) => {
    expect(lastActivity({ createdAt: CREATED }, events, comments, own)).toBe(expected);
  });
});
