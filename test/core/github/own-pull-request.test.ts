/** The pull request of a task, whatever a failure kept from the task file. */
import { expect, it } from 'vitest';
import type { EffectRecord, Effects } from '../../../src/core/effects/effects.ts';
import type { GitHub } from '../../../src/core/github/github.ts';
import { findOwnPullRequest } from '../../../src/core/github/own-pull-request.ts';
import { buildPull, buildTask, OWN, STRANGER } from '../../support/builders.ts';

const record = (over: Partial<EffectRecord>): EffectRecord => ({
  version: 1,
  id: 'x',
  repo: 'acme/shop',
  subject: '#12',
  kind: 'open-pull-request',
  key: 'acme__shop-12-1',
  state: 'done',
  intendedAt: '2026-11-22T10:00:00Z',
  ...over,
});
const pulls = [buildPull({ number: 16, author: OWN }), buildPull({ number: 17, author: OWN }), buildPull({ number: 18, author: STRANGER })];

it.each<[string, EffectRecord | undefined, number | undefined, number]>([
  ['none was ever opened', undefined, undefined, 0],
  ['opening it was refused', record({ state: 'failed', error: 'no' }), undefined, 0],
  ['the journal knows its number', record({ result: { number: 15 } }), 15, 0],
  ['nobody knows how opening it ended: the newest of ours', record({ state: 'intent' }), 17, 1],
])('%s', async (_, found, number, asked) => {
  let listed = 0;
  const forge = {
    getIdentity: async () => ({ ...OWN, shared: false }),
    listPullRequests: async () => {
      listed++;
      return pulls;
    },
  } as Partial<GitHub> as GitHub;
  const effects = { find: async () => found } as Partial<Effects> as Effects;
  expect(await findOwnPullRequest({ forge, effects }, buildTask())).toBe(number);
  expect(listed).toBe(asked);
  expect(await findOwnPullRequest({ forge, effects }, buildTask({ pull_request: 9 }))).toBe(9);
});
