import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isVerified, type Verifier, verifyTree } from '../../../src/core/checkout/verify-tree.ts';
import { statePaths } from '../../../src/core/config/paths.ts';
import type { RepoConfig } from '../../../src/core/config/schema.ts';
import { SHA } from '../../support/builders.ts';

describe('a proof', () => {
  let root: string;
  let ran: string[];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'agentos-verify-'));
    ran = [];
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const repo = (verify: string[], setup: string[] = []) => ({ name: 'acme/shop', verify, setup }) as unknown as RepoConfig;
  const prove = (of: RepoConfig, tree: string) => {
    const verifier = {
      paths: statePaths(root),
      config: { sandbox: { network: [] } },
      git: { removeWorkspace: async () => {}, createWorkspace: async (_: unknown, { path }: { path: string }) => mkdirSync(path) },
      sandbox: {
        run: async ({ argv }: { argv: string[] }) => {
          ran.push(argv.at(-1) ?? '');
          return { ended: 'exited', exitCode: argv.at(-1) === 'false' ? 1 : 0, durationMs: 1, output: '' };
        },
      },
    } as unknown as Verifier;
    rmSync(`${root}/workspaces`, { recursive: true, force: true });
    const host = { repo: 'acme/shop', mirror: root, preserved: root };
    return verifyTree(
      verifier,
      { host, repo: of, task: 'acme__shop-12-1', label: '1', commit: SHA.base, tree },
      new AbortController().signal,
    );
  };
  const known = (of: RepoConfig, tree: string) => isVerified(statePaths(root), of, 'acme__shop-12-1', tree);

  it('is kept for the tree and the lines that it is about, and for no other', async () => {
    const before = repo(['true']);
    expect(await prove(before, SHA.tree)).toMatchObject({ ok: true });
    expect(known(before, SHA.tree)).toBe(true);
    await prove(before, SHA.tree);
    expect(ran).toEqual(['true']);
    for (const other of [repo(['true', 'npm test']), repo(['true'], ['npm ci']), repo(['false'])])
      expect(known(other, SHA.tree)).toBe(false);
    expect(known(before, SHA.other)).toBe(false);
    expect(await prove(repo(['false']), SHA.tree)).toMatchObject({ ok: false, reason: '`false`: exit status 1' });
    expect(known(repo(['false']), SHA.tree)).toBe(false);
  });
});
