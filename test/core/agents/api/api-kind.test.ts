import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apiKind, PASS_VARIABLE, PROVIDERS } from '../../../../src/core/agents/api/api-kind.ts';
import { findApiProgram } from '../../../../src/core/agents/api/find-program.ts';

const facts = {
  model: '-odd',
  url: 'http://@AGENTOS_RELAY@/v1',
  pass: 'pass-1',
  home: '/home/x',
  promptFile: '/p',
  maxTurns: 7,
  session: 'abc',
};
const program = { node: '/usr/bin/node', file: '/opt/agentos/dist/api-agent.js' };

describe('kind: api', () => {
  it.each(PROVIDERS)('starts the loop for %s with its address and no key in the arguments', (provider) => {
    const kind = apiKind(provider, program, { contextTokens: 50_000 });
    expect(new URL(kind.baseUrl).protocol).toBe('https:');
    const { args, env, files, stdin, readable } = kind.toInvocation(facts);
    expect(args).toEqual([
      program.file,
      `--provider=${provider}`,
      '--model=-odd',
      '--url=http://@AGENTOS_RELAY@/v1',
      '--session=abc',
      '--max-turns=7',
      '--context-tokens=50000',
    ]);
    expect(env).toEqual({ [PASS_VARIABLE]: 'pass-1' });
    expect({ files, stdin, readable }).toEqual({ files: {}, stdin: true, readable: [program.file] });
  });

  it('speaks the protocol of its provider', () => {
    expect(PROVIDERS.map((provider) => apiKind(provider, program).protocol)).toEqual(['anthropic', 'openai', 'google', 'openai']);
  });

  it('finds the loop beside the program, or in dist of the sources, or says what to do', () => {
    const root = mkdtempSync(join(tmpdir(), 'aos-find-'));
    try {
      const source = join(root, 'src', 'core', 'x.ts');
      expect(() => findApiProgram(source)).toThrow(/`api-agent.js` is missing/);
      mkdirSync(join(root, 'dist', 'chunks'), { recursive: true });
      writeFileSync(join(root, 'dist', 'api-agent.js'), '');
      for (const from of [source, join(root, 'dist', 'chunks', 'c.mjs'), join(root, 'dist', 'main.js')]) {
        expect(findApiProgram(from)).toEqual({ node: process.execPath, file: join(root, 'dist', 'api-agent.js') });
      }
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
