import { schema as description } from '@octokit/graphql-schema';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import {
  CONNECTION_NAMES,
  isIssueNumber,
  listQuery,
  type Query,
  restQuery,
  stampQuery,
  viewQuery,
} from '../../../../src/core/github/octokit/issue-query.ts';

const schema = buildSchema(description.idl, { assumeValid: true });
const problems = ({ text }: Query) => validate(schema, parse(text)).map((error) => error.message);
/** Connections in a text: what GitHub counts, and multiplies where they are nested. */
const connections = ({ text }: Query) => text.match(/\b(first|last):/g)?.length ?? 0;

const repos = Array.from({ length: 50 }, (_, at) => `acme/shop-${at}`);

describe('queries about issues', () => {
  it.each<[name: string, query: Query, connections: number]>([
    ['the list of one', listQuery([{ repo: 'acme/shop', list: { labels: ['ready'] }, also: [] }]), 1],
    ['the list of fifty', listQuery(repos.map((repo) => ({ repo, list: { labels: ['ready'] }, also: [7, 8] }))), 50],
    ['another page', listQuery([{ repo: 'acme/shop', list: { labels: ['ready'], after: 'c' }, also: [] }]), 1],
    ['single issues only', listQuery([{ repo: 'acme/shop', also: [7] }]), 0],
    [
      'views',
      viewQuery([
        { repo: 'acme/shop', numbers: [1, 2] },
        { repo: 'acme/store', numbers: [1] },
      ]),
      4,
    ],
    [
      'stamps',
      stampQuery([
        { repo: 'acme/shop', pulls: [1, 2], issues: [3] },
        { repo: 'acme/store', pulls: [1], issues: [1] },
      ]),
      0,
    ],
    ...CONNECTION_NAMES.map((name): [string, Query, number] => [`the rest of ${name}`, restQuery('I_1', { [name]: 'c' }), 1]),
    ['the rest of everything', restQuery('I_1', Object.fromEntries(CONNECTION_NAMES.map((name) => [name, 'c']))), 4],
  ])("%s fits GitHub's schema", (_, query, count) => {
    expect(problems(query)).toEqual([]);
    expect(connections(query)).toBe(count);
  });

  it('holds names and labels as variables, never in the text', () => {
    const { text, variables } = listQuery([{ repo: 'acme/a"b', list: { labels: ['x"){y}'], after: 'c"' }, also: [7] }]);
    expect(text).not.toContain('a"b');
    expect(text).not.toContain('x"');
    expect(text).not.toContain('c"');
    expect(variables).toEqual({ o0: 'acme', n0: 'a"b', l0: ['x"){y}'], a0: 'c"' });
  });

  it.each([
    [1, true],
    [2147483647, true],
    [0, false],
    [-1, false],
    [1.5, false],
    [2147483648, false],
    [Number.NaN, false],
  ])('number %d can be asked for: %s', (number, expected) => {
    expect(isIssueNumber(number)).toBe(expected);
  });
});
