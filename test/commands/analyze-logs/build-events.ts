/** Events as the loops write them, with what a test does not care about filled in. */
import type { Event } from '../../../src/core/events/event.ts';

const START = Date.parse('2026-11-16T00:00:00Z');

/** The nth minute of the window that the tests use. */
export function minute(n: number): string {
  return new Date(START + n * 60_000).toISOString();
}

export function event(name: string, fields: Partial<Event>): Event {
  return {
    time: minute(0),
    level: 'info',
    run: 'r1',
    command: name.split('.')[0] ?? '',
    event: name,
    outcome: 'ok',
    reason: '',
    ...fields,
  };
}

/** The end of an attempt on `acme/shop#<issue>`. */
export function attempt(issue: number, n: number, agent: string, outcome: string, fields: Partial<Event> = {}): Event {
  const repo = fields.repo ?? 'acme/shop';
  const task = `${repo.replace('/', '__')}-${issue}-1`;
  return event('queue.attempt.finished', {
    time: minute(issue * 100 + n * 10),
    repo,
    issue,
    task,
    attempt: n,
    agent,
    outcome,
    type: 'implementation',
    ...fields,
  });
}

export function merged(issue: number, fields: Partial<Event> = {}): Event {
  return event('pr-monitor.task.finished', { time: minute(issue * 100 + 90), repo: 'acme/shop', issue, outcome: 'merged', ...fields });
}

export function escalated(issue: number, fields: Partial<Event> = {}): Event {
  return event('queue.task.escalated', { time: minute(issue * 100 + 90), repo: 'acme/shop', issue, outcome: 'escalated', ...fields });
}
