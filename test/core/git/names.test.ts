import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBranchName, isDotGit, isDotGitmodules, protocolOf } from '../../../src/core/git/names.ts';

describe('isDotGit', () => {
  it.each([
    '.git',
    '.GIT',
    '.Git',
    'git~1',
    'GIT~1',
    '.git.',
    '.git ',
    '.git . .',
    '.git::$INDEX_ALLOCATION',
    '.git:x',
    '.g\u200cit',
    '.gi\ufefft',
    'a\\.git',
    '.git\\x',
  ])('sees through %j', (name) => expect(isDotGit(name)).toBe(true));
  it.each(['.gitignore', '.github', 'git', '.gitx', 'git~2', 'x.git', '.git-blame', 'gitt~1', '..git'])('leaves %j alone', (name) =>
    expect(isDotGit(name)).toBe(false),
  );
});

describe('isDotGitmodules', () => {
  it.each([
    '.gitmodules',
    '.GITMODULES',
    '.gitmodules ',
    '.gitmodules.',
    'gitmod~1',
    'GITMOD~4',
    'gi7eba~1',
    '.gitmodules:x',
    '.git\u200dmodules',
  ])('sees through %j', (name) => expect(isDotGitmodules(name)).toBe(true));
  it.each(['.gitmodule', 'gitmodules', 'gitmod~5', '.gitmodules2'])('leaves %j alone', (name) => expect(isDotGitmodules(name)).toBe(false));
});

describe('isBranchName', () => {
  it('takes nothing that git refuses', () => {
    const name = fc.oneof(fc.string({ maxLength: 20 }), fc.stringMatching(/^[-a-z./@{~^:\\ *?[]{1,12}$/));
    const accepted: string[] = [];
    fc.assert(
      fc.property(name, (text) => {
        if (isBranchName(text)) accepted.push(text);
      }),
      { numRuns: 500 },
    );
    for (const text of accepted.slice(0, 40))
      expect(() => execFileSync('git', ['check-ref-format', '--branch', text], { stdio: 'pipe' }), text).not.toThrow();
    expect(accepted.length).toBeGreaterThan(20);
  });
  it.each(['agent/acme__shop-12-1', 'main', 'release-1.0', 'feature/ü'])('takes %j', (name) => expect(isBranchName(name)).toBe(true));
  it.each(['-x', '--upload-pack=touch marker', 'a..b', 'a b', 'a.lock', 'a/.b', 'HEAD', '@', 'a@{1}', '/a', 'a/', 'a//b', 'a\nb', ''])(
    'refuses %j',
    (name) => expect(isBranchName(name)).toBe(false),
  );
});

describe('protocolOf', () => {
  it.each([
    ['/srv/forge/a.git', 'file'],
    ['file:///srv/a.git', 'file'],
    ['https://github.com/acme/shop.git', 'https'],
    ['http://127.0.0.1:8080/acme/shop.git', 'http'],
  ])('reads %s as %s', (remote, protocol) => expect(protocolOf(remote)).toBe(protocol));
  it.each([
    'ext::sh -c "touch marker"',
    'git@github.com:acme/shop',
    'ssh://github.com/a',
    '--upload-pack=touch marker',
    'http://evil.example/a',
    'https://user:secret@github.com/a',
    'relative/path',
    '',
  ])('refuses %s', (remote) => expect(() => protocolOf(remote)).toThrow(/not a remote/));
});
