import { describe, expect, it } from 'vitest';
import { actorsToAsk, countReady, decideReadiness, type ReadinessFacts } from '../../../src/core/github/readiness.ts';
import { buildIssue, buildReadiness, edited, labeled, OCTOCAT, OWN, renamed, STRANGER } from '../../support/builders.ts';

describe('readiness', () => {
  const refused: [string, Partial<ReadinessFacts>, string][] = [
    ['a closed issue', { issue: buildIssue({ state: 'closed' }) }, 'closed'],
    ['no label', { issue: buildIssue({ labels: [] }) }, 'no_label'],
    ['a label without an event', { events: [] }, 'no_event'],
    [
      'an event without an actor',
      { events: [labeled('ready', '10:00', undefined as never)].map(({ actor: _, ...rest }) => rest as never) },
      'no_event',
    ],
    ['a person with triage permission', { events: [labeled('ready', '10:00', STRANGER)] }, 'untrusted'],
    [
      'a trusted event followed by one of a stranger',
      { events: [labeled('ready', '10:00'), labeled('ready', '10:01', STRANGER)] },
      'untrusted',
    ],
    ['an unknown permission', { permissions: new Map() }, 'untrusted'],
    ['a login that is not listed', { trusted: ['hubot'] }, 'untrusted'],
    ['a listed login that was first seen with another id', { trusted: ['octocat'], pins: new Map([['octocat', 99]]) }, 'untrusted'],
    ['an edit in the very instant of the label', { events: [labeled('ready', '10:00'), edited('10:00')] }, 'edited'],
    ['an edit after the label', { events: [labeled('ready', '10:00'), edited('10:01')] }, 'edited'],
    ['a rename after the label', { events: [labeled('ready', '10:00'), renamed('10:01')] }, 'edited'],
    ['our own label that the journal lacks', { events: [labeled('ready', '10:00', OWN)] }, 'own_label'],
    ['a shared account while a label of ours is unresolved', { own: { ...OCTOCAT, shared: true }, ownReadyIntent: true }, 'own_label'],
  ];
  it.each(refused)('refuses %s', (_, over, why) => {
    expect(decideReadiness(buildReadiness(over))).toMatchObject({ ready: false, why });
  });

  const own = labeled('ready', '10:00', OWN);
  const accepted: [string, Partial<ReadinessFacts>, number][] = [
    ['a person with write permission', {}, 1],
    ['an edit before the label', { events: [edited('09:59'), labeled('ready', '10:00')] }, 1],
    ['the label put on again after an edit', { events: [labeled('ready', '10:00'), edited('10:01'), labeled('ready', '10:02')] }, 2],
    ['another case of the label', { issue: buildIssue({ labels: ['Ready'] }), events: [labeled('READY', '10:00')] }, 1],
    [
      'a listed login with its pinned id, whatever its permission',
      { trusted: ['OctoCat'], pins: new Map([['octocat', 7]]), permissions: new Map() },
      1,
    ],
    [
      'our own event that the journal holds, whatever is listed',
      { events: [own], ownReadyEvents: new Set([own.id]), trusted: ['hubot'] },
      1,
    ],
    ['a shared account whose event the journal does not know: the person', { own: { ...OCTOCAT, shared: true } }, 1],
  ];
  it.each(accepted)('accepts %s', (_, over, n) => {
    expect(decideReadiness(buildReadiness(over))).toMatchObject({ ready: true, n });
  });

  it('counts by the word of a forge that does not list what came before', () => {
    const events = [{ ...labeled('ready', '10:00'), n: 1795341600 }];
    expect(decideReadiness(buildReadiness({ events }))).toMatchObject({ ready: true, n: 1795341600 });
    expect(countReady(events, 'ready')).toBe(1795341600);
  });

  it('says how to begin anew, with a label and with a column', () => {
    const reason = (label: string, events: ReadinessFacts['events']) => {
      const verdict = decideReadiness(buildReadiness({ issue: buildIssue({ labels: [label] }), label, events }));
      return verdict.ready ? 'ready' : verdict.reason;
    };
    const column = 'project 4: Status is Ready';
    expect(reason('ready', [])).toContain('take it off and put it on again');
    expect(reason(column, [])).toBe(`nobody is known to have set \`${column}\`; move the card out and in again`);
    expect(reason('ready', [labeled('ready', '10:00'), edited('10:00')])).toContain('put the label on again');
    expect(reason(column, [labeled(column, '10:00'), edited('10:00')])).toContain('move the card out and in again');
  });

  it('lets labels steer only when a trusted person put them on by the second of `ready`', () => {
    const labels = ['ready', 'prio:high', 'type:docs', 'agent:claude'];
    const events = [
      labeled('prio:high', '09:00'),
      labeled('type:docs', '09:00', STRANGER),
      labeled('ready', '10:00:00.100'),
      labeled('agent:claude', '10:00:00.900'),
    ];
    expect(decideReadiness(buildReadiness({ issue: buildIssue({ labels }), events }))).toMatchObject({
      ready: true,
      hints: { priority: 'high', agent: 'claude' },
    });
    const late = [labeled('ready', '10:00'), labeled('prio:high', '10:00:01')];
    expect(decideReadiness(buildReadiness({ issue: buildIssue({ labels }), events: late }))).toMatchObject({ ready: true, hints: {} });
  });

  it('asks for the permission of who made it ready and of who steers, and of nobody else', () => {
    const events = [
      labeled('ready', '09:00', { id: 50, login: 'earlier' }),
      labeled('bug', '09:00', { id: 51, login: 'other' }),
      labeled('prio:low', '09:00', STRANGER),
      labeled('ready', '10:00'),
    ];
    expect(actorsToAsk(events, 'ready').map((actor) => actor.id)).toEqual([7, 8]);
  });
});
