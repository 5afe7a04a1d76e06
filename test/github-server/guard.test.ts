/** The guard sees what either side does that GitHub does not describe. */
import { describe, expect, it } from 'vitest';
import { checkResponse, listOperations } from './guard.ts';
import { RATE_LIMIT, ROUTES } from './rest/routes.ts';
import { openScene, REPO } from './scene.ts';

const caught = async (method: string, path: string, body?: unknown): Promise<string[]> => {
  const s = await openScene();
  s.server.as('ann').openIssue('ann/widgets', { title: 'A' });
  await s.ann(method, path, body);
  const found = s.server.violations.splice(0).map((one) => `${one.where}: ${one.what}`);
  await s.close();
  return found;
};

describe('a client', () => {
  it.each([
    ['GET', '/repos/ann/widgets/nonsense', undefined, 'no such endpoint'],
    ['DELETE', `${REPO}/issues/1`, undefined, 'no such endpoint'],
    ['GET', `${REPO}/issues?sate=open`, undefined, 'query sate is not described'],
    ['GET', `${REPO}/issues?state=merged`, undefined, 'query state'],
    ['GET', `${REPO}/issues?per_page=many`, undefined, 'query per_page'],
    ['POST', `${REPO}/issues`, { title: 'x', lables: ['y'] }, '/lables is not described'],
    ['POST', `${REPO}/issues`, { body: 'x' }, "must have required property 'title'"],
    ['PATCH', `${REPO}/issues/1`, { state: 'merged' }, '/state must be equal to one of the allowed values'],
    [
      'POST',
      `${REPO}/check-runs`,
      { name: 'x', head_sha: 'y', output: { titel: 'z', title: 'a', summary: 'b' } },
      '/output/titel is not described',
    ],
    ['POST', `${REPO}/git/refs`, undefined, 'the body is missing'],
  ])('%s %s %j', async (method, path, body, what) => {
    expect(await caught(method, path, body)).toContainEqual(expect.stringContaining(what));
  });

  it('that does nothing wrong is let alone', async () => {
    expect(await caught('PATCH', `${REPO}/issues/1`, { state: 'closed', state_reason: 'not_planned', labels: ['a'], body: null })).toEqual(
      [],
    );
  });

  it('makes assertQuiet say what it did', async () => {
    const s = await openScene();
    expect(() => s.server.assertQuiet()).not.toThrow();
    await s.ann('GET', `${REPO}/issues?sate=open`);
    expect(() => s.server.assertQuiet()).toThrow(/issues: request: query sate/);
    s.server.violations.length = 0;
    await s.close();
  });
});

describe('the server', () => {
  const path = '/repos/{owner}/{repo}/labels/{name}';
  const label = { id: 1, node_id: 'x', url: 'http://127.0.0.1/x', name: 'a', color: 'ededed', default: false, description: null };
  it.each([
    ['nothing', 200, label, undefined],
    ['a property missing', 200, { ...label, color: undefined }, "required property 'color'"],
    ['null where it may not be', 200, { ...label, name: null }, '/name must be string'],
    ['a wrong format', 200, { ...label, url: 'no address' }, '/url must match format'],
    ['a status nobody described', 418, {}, 'status 418 is not described'],
    ['a missing body', 200, undefined, 'the body is missing'],
    ['an error of the wrong shape', 404, { message: 1 }, '/message must be string'],
  ])('answers %s', (_, status, body, what) => {
    const found = checkResponse('GET', path, status, body);
    if (what === undefined) expect(found).toEqual([]);
    else expect(found).toContainEqual(expect.stringContaining(what));
  });

  it('has an endpoint for every operation of the description, and no other', () => {
    expect([...ROUTES, RATE_LIMIT].map((route) => `${route.method} ${route.path}`).sort()).toEqual(listOperations().sort());
  });
});
