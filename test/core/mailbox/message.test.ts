import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePlainFrontMatter } from '../../../src/core/front-matter.ts';
import { readFrontMatter } from '../../../src/core/front-matter-read.ts';
import { parseFrontMatterYaml } from '../../../src/core/front-matter-yaml.ts';
import { decodeMessage, MAX_BODY_BYTES, renderMessage, toMessage } from '../../../src/core/mailbox/message.ts';
import type { Task } from '../../../src/core/mailbox/task.ts';
import { buildTask, NOW } from '../../support/mailbox-task.ts';

const parse = async (text: string, id = 'acme__shop-12-1') => toMessage(await readFrontMatter(text), id);

const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '---',
    '\n---\n',
    'a: b\n---\nc',
    '"quoted" \'it\'',
    '# no comment',
    'null',
    '0x10',
    '{ a: b }',
    '- x',
    'über 🛒',
    ' lead',
    'tail ',
  ),
);
const sha = fc.stringMatching(/^[0-9a-f]{40}$/);
const attempt = fc.record(
  {
    n: fc.integer({ min: 1, max: 99 }),
    agent: nasty,
    kind: fc.constantFrom('work' as const, 'fix' as const),
    started_at: fc.constant(NOW),
    ended_at: fc.constant(NOW),
    base: sha,
    outcome: fc.constantFrom('complete' as const, 'failed' as const),
    code: fc.constant('no_diff'),
    summary: nasty,
    tree: sha,
  },
  { requiredKeys: ['n', 'agent', 'kind', 'started_at'] },
);
const task: fc.Arbitrary<Task> = fc
  .record(
    {
      title: nasty,
      agents: fc.array(nasty, { minLength: 1, maxLength: 3 }),
      priority: fc.constantFrom('high' as const, 'normal' as const, 'low' as const),
      note: nasty,
      pull_request: fc.integer({ min: 1, max: 1e6 }),
      not_before: fc.constant(NOW),
      waits_for: fc.constantFrom('agent' as const, 'program' as const),
      pushed: sha,
      protected: fc.array(nasty, { maxLength: 2 }),
      fix: fc.record({
        kind: fc.constant('checks' as const),
        head: sha,
        base: sha,
        about: fc.array(nasty, { maxLength: 2 }),
        evidence: nasty,
      }),
      attempts: fc.array(attempt, { maxLength: 3 }),
    },
    { requiredKeys: ['title', 'agents', 'priority', 'attempts'] },
  )
  .map((fields) => buildTask(fields as Partial<Task>));

describe('a task file', () => {
  it('reads as it does in the contract', async () => {
    const { task, body } = await parse(renderMessage(buildTask(), '# Goal\n\nShow the total.\n'));
    expect(task).toEqual(buildTask());
    expect(body).toBe('# Goal\n\nShow the total.\n');
    expect(renderMessage(buildTask(), '# Goal')).toMatch(
      /^---\nversion: 1\nid: acme__shop-12-1\nrepo: acme\/shop\nissue: 12\ntitle: Show the cart total with tax\n/,
    );
  });

  it('gives back every task and body, without a YAML parser and with one', () => {
    fc.assert(
      fc.property(task, fc.oneof(nasty, fc.constant('---\nid: x\n---\n\nbody\n---\n')), (task, text) => {
        const file = renderMessage(task, text);
        const plain = parsePlainFrontMatter(file);
        expect(plain).toBeDefined();
        if (!plain) return;
        const message = toMessage(plain, task.id);
        expect(message.task).toEqual(task);
        expect(message.body).toBe(`${text.replace(/^\n+/, '').trimEnd()}\n`.replace(/^\n+/, ''));
        expect(parseFrontMatterYaml(file)).toEqual(plain);
        expect(renderMessage(message.task, message.body)).toBe(file);
      }),
      { numRuns: 100 },
    );
  });

  it('may be edited by hand in YAML of another taste', async () => {
    const text = renderMessage(buildTask(), 'Body').replace('agents: [codex, claude]', 'agents:   # the chain\n  - codex\n  - "claude"');
    expect(parsePlainFrontMatter(text)).toBeUndefined();
    expect((await parse(text)).task).toEqual(buildTask());
  });

  const file = renderMessage(buildTask(), 'Body');
  it.each<[string, string, RegExp]>([
    ['no front matter', 'Just text', /front matter/],
    ['a front matter that never ends', file.slice(0, 60), /front matter/],
    ['an unknown key', file.replace('issue: 12', 'issue: 12\ncolour: red'), /colour/],
    ['a missing key', file.replace('issue: 12\n', ''), /`issue`/],
    ['a wrong type', file.replace('issue: 12', 'issue: twelve'), /`issue`/],
    ['a duplicate key', file.replace('issue: 12', 'issue: 12\nissue: 13'), /not valid/],
    ['an id with `..`', file.replace('id: acme__shop-12-1', 'id: ../shop-12-1'), /not a task id/],
    ['an id with a leading dash', file.replace('id: acme__shop-12-1', 'id: "-rf"'), /not a task id/],
    ['an id that is not its name', file.replace('id: acme__shop-12-1', 'id: acme__shop-13-1'), /its name says/],
    ['YAML aliases', file.replace('title: Show the cart total with tax', 'title: &a x\nnote: *a'), /alias/],
    ['an older version', file.replace('version: 1', 'version: 0'), /`version`/],
  ])('with %s is corrupt', async (_, text, message) => {
    await expect(parse(text)).rejects.toMatchObject({ code: 'corrupt', message: expect.stringMatching(message) });
  });

  it('of a newer version is left alone', async () => {
    const newer = file.replace('version: 1', 'version: 2\nfuture: true');
    await expect(parse(newer)).rejects.toMatchObject({ code: 'refused', message: expect.stringMatching(/newer version.*left alone/) });
  });

  it('is text', () => {
    expect(decodeMessage(Buffer.from('ü'))).toBe('ü');
    expect(() => decodeMessage(Buffer.from([0x66, 0xff, 0x66]))).toThrow('not UTF-8');
    expect(() => decodeMessage(Buffer.from('a\0b'))).toThrow('zero bytes');
  });

  it('is not written larger than it can be read', () => {
    expect(() => renderMessage(buildTask(), 'x'.repeat(MAX_BODY_BYTES + 1))).toThrow(/larger than 128 kB/);
    const attempts = Array.from({ length: 150 }, (_, n) => ({
      n: n + 1,
      agent: 'a',
      kind: 'work' as const,
      started_at: NOW,
      summary: 'x'.repeat(2000),
    }));
    expect(() => renderMessage(buildTask({ attempts }), '')).toThrow(/larger than 256 kB/);
    expect(() => renderMessage(buildTask({ issue: -1, id: 'x' }), '')).toThrow(/`issue`/);
  });
});
