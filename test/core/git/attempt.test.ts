/** One whole attempt on real git, and what it costs in processes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commit, importFrom, makeBox, makeWorkspace, sh, write } from './fixture.ts';

describe('an attempt', () => {
  it('goes from mirror to pushed branch with at most 12 git processes', async () => {
    const box = await makeBox();
    const { git, host, remote, base } = box;
    await git.openHost('acme/shop');
    await git.fetch(host, { url: remote }, [{ branch: 'main', sha: base }]);
    expect(box.started()).toEqual([]);

    const path = await makeWorkspace(box);
    const untracked = await git.listUntracked(host, path, base);
    write(path, {
      'src/cart.js': 'export const total = 2;\n',
      'src/tax.js': 'export const tax = 0.2;\n',
      '.agent_result.md': 'STATUS: complete\n',
    });
    const { tree, changes } = await importFrom(box, path, { exclude: ['.agent_result.md', 'CODEBASE.md'], untracked });
    const verify = await makeWorkspace(box, 'verify', { tree });
    const head = await commit(box, tree);
    await git.preserve(host, 'acme__shop-1-1', 1, head);
    await git.push(host, { url: remote }, { commit: head, branch: 'agent/acme__shop-1-1' });
    const started = box.started();

    expect(changes.map((change) => `${change.kind} ${change.path} ${change.size}`)).toEqual([
      'modified src/cart.js 24',
      'added src/tax.js 24',
    ]);
    expect(readFileSync(`${verify}/src/tax.js`, 'utf8')).toBe('export const tax = 0.2;\n');
    expect(sh(remote, 'rev-parse', 'agent/acme__shop-1-1^{tree}')).toBe(tree);
    expect(sh(remote, 'log', '--format=%an <%ae> %s %at', '-1', 'agent/acme__shop-1-1')).toBe(
      'Agent OS <agentos@example.com> Change 1700000000',
    );
    expect(started.length).toBeLessThanOrEqual(12);
  });
});
