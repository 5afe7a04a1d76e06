import { type GraphQLSchema, getOperationAST, getVariableValues, parse } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { measureQuery, pointsFor } from './cost.ts';
import { githubSchema } from './schema.ts';

let schema: GraphQLSchema;
beforeAll(async () => {
  schema = await githubSchema();
});

function measure(query: string, variables: Record<string, unknown> = {}) {
  const document = parse(query);
  const operation = getOperationAST(document);
  if (!operation) throw new Error('no operation');
  const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  if (errors) throw errors[0];
  return measureQuery(schema, document, operation, coerced);
}

/** A look at all repositories at once, with the issues of each, their labels and timelines, and its pull requests. */
function tick(repositories: number, { issues = 50, timeline = 20, pulls = 50 } = {}): string {
  const aliases = Array.from({ length: repositories }, (_, n) => `r${n}: repository(owner: "o", name: "n${n}") { ...R }`);
  const items =
    timeline === 0 ? '' : `timelineItems(itemTypes: [LABELED_EVENT], last: ${timeline}) { nodes { ... on LabeledEvent { createdAt } } }`;
  return `{ rateLimit { cost } ${aliases.join(' ')} }
    fragment R on Repository {
      issues(states: OPEN, first: ${issues}) { totalCount nodes { number labels(first: 20) { nodes { name } } ${items} } }
      pullRequests(states: OPEN, first: ${pulls}) { nodes { number } }
    }`;
}

describe('measureQuery', () => {
  it("agrees with the documentation's examples", () => {
    const points = `{ viewer { login repositories(first: 100) { edges { node { id
      issues(first: 50) { edges { node { id labels(first: 60) { edges { node { id name } } } } } } } } } } }`;
    expect(measure(points)).toMatchObject({ requests: 5101, points: 51 });
    const nodes = `{ viewer {
      repositories(first: 50) { edges { repository: node { name
        pullRequests(first: 20) { edges { pullRequest: node { title comments(first: 10) { edges { comment: node { bodyHTML } } } } } }
        issues(first: 20) { totalCount edges { issue: node { title comments(first: 10) { edges { comment: node { bodyHTML } } } } } } } } }
      followers(first: 10) { edges { follower: node { login } } } } }`;
    expect(measure(nodes).nodes).toBe(22_060);
  });

  it.each([
    { shape: {}, repositories: 1, requests: 102, points: 1, nodes: 2_100 },
    { shape: {}, repositories: 10, requests: 1_020, points: 10, nodes: 21_000 },
    { shape: {}, repositories: 50, requests: 5_100, points: 51, nodes: 105_000 },
    { shape: { issues: 25 }, repositories: 50, requests: 2_600, points: 26, nodes: 53_750 },
    { shape: { issues: 20, timeline: 10, pulls: 20 }, repositories: 50, requests: 2_100, points: 21, nodes: 32_000 },
    { shape: { timeline: 0 }, repositories: 50, requests: 2_600, points: 26, nodes: 55_000 },
  ])('$repositories repositories of $shape cost $points', ({ shape, repositories, ...cost }) => {
    expect(measure(tick(repositories, shape))).toEqual(cost);
  });

  it('follows variables, fragments, what is left out and what is named twice', () => {
    const inner = 'issues(first: $n) { nodes { labels(first: 10) { nodes { name } } } }';
    const query = (fields: string) =>
      `query($n: Int = 7, $off: Boolean = false) { repository(owner: "o", name: "n") { ${fields} } } fragment F on Repository { ${inner} }`;
    expect(measure(query(inner))).toEqual({ requests: 8, nodes: 77, points: 1 });
    expect(measure(query(inner), { n: 100 })).toEqual({ requests: 101, nodes: 1_100, points: 1 });
    expect(measure(query(`...F ${inner} ... on Node { id }`)).requests).toBe(8);
    expect(measure(query(`...F @include(if: $off)`)).requests).toBe(0);
    expect(measure(query(`issues { totalCount } a: ${inner} b: ${inner}`)).requests).toBe(17);
  });

  it('asks below nodes(ids:) once for every id', () => {
    const ids = (n: number) => JSON.stringify(Array.from({ length: n }, (_, i) => `I_${i}`));
    const query = (n: number) =>
      `{ nodes(ids: ${ids(n)}) { ... on Issue { labels(first: 100) { nodes { name } } comments(last: 1) { totalCount } } } }`;
    expect(measure(query(100))).toEqual({ requests: 200, nodes: 10_100, points: 2 });
  });

  it.each([
    [0, 1],
    [149, 1],
    [150, 2],
    [5101, 51],
  ])('%i requests are %i points', (requests, points) => {
    expect(pointsFor(requests)).toBe(points);
  });
});
