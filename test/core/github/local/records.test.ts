import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePlainFrontMatter } from '../../../../src/core/front-matter.ts';
import { parseFrontMatterYaml } from '../../../../src/core/front-matter-yaml.ts';
import { closingReferences } from '../../../../src/core/github/local/merge.ts';
import { type IssueRecord, type PullRecord, renderRecord, toIssueRecord, toPullRecord } from '../../../../src/core/github/local/records.ts';
import { isBranchName } from '../../../../src/core/github/local/refs.ts';
import { parseSections, renderSections, type Section, storedText } from '../../../../src/core/github/local/sections.ts';

const AT = '2026-11-22T10:00:00.000Z';
const ada = { id: 10, login: 'ada' };
const hostile = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc
    .array(
      fc.constantFrom(
        '<!-- comment { id: 1 } -->',
        '\\<!-- review { } -->',
        '<!-- output x',
        '---',
        '',
        ' ',
        'a',
        '<!-- agentos -->',
        '\\\\<!-- comment ',
      ),
      {
        maxLength: 6,
      },
    )
    .map((lines) => lines.join('\n')),
);
const stored = hostile.map((text) => storedText(Buffer.from(text).toString()));

describe('texts in one file', () => {
  it('come back exactly, whatever they hold', () => {
    const section = fc.record<Section>({
      kind: fc.constantFrom('comment', 'review', 'output'),
      fields: fc.constant({ id: 1, name: 'a --> b' }),
      text: stored,
    });
    fc.assert(
      fc.property(stored, fc.array(section, { maxLength: 4 }), (body, sections) => {
        expect(parseSections(renderSections(body, sections))).toEqual({ body, sections });
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses a line that begins an entry and cannot be read', () => {
    expect(() => parseSections('a\n\n<!-- comment { id: 1\n\nb\n')).toThrow('cannot be read');
  });
});

const issue: IssueRecord = {
  kind: 'issue',
  number: 3,
  title: 'Show: the "total" #1',
  body: 'Text\n\n---\n',
  state: 'closed',
  stateReason: 'not_planned',
  pinned: true,
  blockedBy: [1, 2],
  parent: 9,
  author: ada,
  labels: ['ready', 'agentos:queued', 'yes'],
  assignees: ['bob'],
  createdAt: AT,
  updatedAt: AT,
  closedAt: AT,
  events: [
    { id: '1', at: AT, kind: 'labeled', label: 'prio:high', actor: ada },
    { id: '2', at: AT, kind: 'renamed', from: 'a', to: 'b' },
    { id: '3', at: AT, kind: 'edited', actor: ada },
    { id: '4', at: AT, kind: 'closed', reason: 'not_planned' },
  ],
  comments: [{ id: 5, author: ada, body: 'Hi\n', createdAt: AT, updatedAt: '2026-11-22T10:00:01.000Z' }],
};
const pull: PullRecord = {
  kind: 'pull',
  number: 4,
  title: 'Change',
  body: '',
  state: 'closed',
  base: 'main',
  head: 'agent/acme__shop-3-1',
  headSha: '3'.repeat(40),
  draft: false,
  mergingSha: '4'.repeat(40),
  mergeSha: '5'.repeat(40),
  closedBy: ada,
  author: ada,
  labels: [],
  assignees: [],
  createdAt: AT,
  updatedAt: AT,
  events: [{ id: '1', at: AT, kind: 'reopened' }],
  comments: [],
  reviews: [{ author: ada, state: 'changes_requested', sha: 'a'.repeat(40), body: 'No', at: AT }],
};

describe('records', () => {
  it('come back from the plain form and from YAML', () => {
    for (const parse of [parsePlainFrontMatter, parseFrontMatterYaml]) {
      const [first, second] = [parse(renderRecord(issue)), parse(renderRecord(pull))];
      expect(first && toIssueRecord(first)).toEqual(issue);
      expect(second && toPullRecord(second)).toEqual(pull);
    }
  });

  it.each([
    ['number', '"3"', '`number` must be a whole number above 0'],
    ['title', '12', '`title` must be a text'],
    ['state', 'merged', '`state` must be `open` or `closed`'],
    ['labels', 'ready', '`labels` must be a list of texts'],
    ['labels', '[1]', '`labels` must be a list of texts'],
    ['pinned', '"true"', '`pinned` must be `true` or `false`'],
    ['created_at', '"yesterday"', '`created_at` must be an instant'],
    ['author_id', '0', '`author_id` must be a whole number above 0'],
    ['lables', '[]', '`lables` is not a known key'],
    ['events', '[1]', '`events` must be a list of objects'],
  ])('with `%s: %s` are corrupt', (key, value, message) => {
    const lines = renderRecord({ ...issue, events: [], comments: [] }).split('\n');
    const at = lines.findIndex((line) => line.startsWith(`${key}:`));
    lines.splice(at < 0 ? 1 : at, at < 0 ? 0 : 1, `${key}: ${value}`);
    const document = parseFrontMatterYaml(lines.join('\n'));
    expect(() => toIssueRecord(document)).toThrow(message);
  });

  it('without a field are corrupt', () => {
    const document = parseFrontMatterYaml(renderRecord(issue).replace(/^labels:.*\n/m, ''));
    expect(() => toIssueRecord(document)).toThrow('`labels` must be');
  });
});

describe('closing keywords', () => {
  it.each([
    ['Closes #1', [1]],
    ['closes: #1, fixes #2 and RESOLVED #3', [1, 2, 3]],
    ['close #1 closed #2 fix #3 fixed #4 resolve #5 resolves #6', [1, 2, 3, 4, 5, 6]],
    ['Fixes acme/shop#7, fixes other/shop#8', [7]],
    ['see #1; prefix #2; encloses #3; closes#4; closes # 5; closing #6; unfix #7', []],
    ['Closes #1\nCloses #1', [1]],
    ['Closes #01', []],
  ])('%j closes %j', (text, numbers) => {
    expect(closingReferences('acme/shop', text)).toEqual(numbers);
  });
});

describe('branch names', () => {
  it.each(['main', 'agent/acme__shop-12-1', 'a.b', 'ä'])('%s is one', (name) => expect(isBranchName(name)).toBe(true));
  it.each([
    '',
    '-x',
    '../x',
    'a..b',
    '/a',
    'a/',
    'a//b',
    'a b',
    'a~1',
    'a.lock',
    '.a',
    'a/.b',
    'a@{1}',
    '@',
    'a\n',
    'a:b',
    'a.',
    'a\\b',
    'a/b.lock/c',
  ])('%j is none', (name) => expect(isBranchName(name)).toBe(false));
});
