/** Task files as dispatch writes them, in any number. */
import { taskBranch, taskId } from '../../src/core/ids.ts';
import type { Task } from '../../src/core/mailbox/task.ts';

const REPO = 'acme/shop';

export const benchBody = `# Goal

The cart shows a total that includes tax, and says which rate it used.

# Success criteria

- \`npm test\` passes, with a test of the total
- the rate comes from the configuration

# Constraints

No new dependency.

# Context

${'The cart is in src/cart.js; prices are in cents, and rounding happens once, at the end. '.repeat(12).trim()}
`;

export function benchTaskFile(issue: number): Task {
  const id = taskId(REPO, issue, 1);
  return {
    version: 1,
    id,
    repo: REPO,
    issue,
    title: `Show the cart total with tax, part ${issue}`,
    type: 'implementation',
    priority: 'normal',
    agents: ['codex', 'claude'],
    base: 'main',
    branch: taskBranch(id),
    created_at: new Date(1_790_000_000_000 + issue * 1000).toISOString(),
    snapshot: { sha256: 'a'.repeat(64), ready_by: 'octocat', ready_at: '2026-09-20T09:58:11Z' },
    attempts: [],
  };
}
