/**
 * Whatever a person does at any moment of any pass is respected and never
 * undone (docs/contracts.md, "On the forge"), on the local forge. The rules, and
 * the one window that a request leaves, are in `rules.ts`.
 */
import { expect, it } from 'vitest';
import { openLocalPlace } from './local-place.ts';
import { provePeople, STEPS, TIME_MS } from './people.ts';

it('respects people at any moment on the local forge', { timeout: TIME_MS }, async () => {
  expect(await provePeople(openLocalPlace)).toBeGreaterThanOrEqual(STEPS);
});
