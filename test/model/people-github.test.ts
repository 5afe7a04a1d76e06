/** As `people.test.ts`, over HTTP and with pushes to the test GitHub. */
import { expect, it } from 'vitest';
import { openGitHubPlace } from './github-place.ts';
import { provePeople, STEPS, TIME_MS } from './people.ts';

it('respects people at any moment on GitHub', { timeout: TIME_MS }, async () => {
  expect(await provePeople(openGitHubPlace)).toBeGreaterThanOrEqual(STEPS);
});
