/** The server in a process of its own, driven synchronously, and its GraphQL and TLS. */
import { spawnSync } from 'node:child_process';
import { afterEach, expect, it } from 'vitest';
import { ControlledServer } from './control.ts';
import { openScene } from './scene.ts';

let server: ControlledServer | undefined;
afterEach(() => server?.close());

it('is arranged, used and questioned from another process, over TLS', () => {
  server = ControlledServer.start({ tls: true }, [{ method: 'createUser', args: ['ann'] }]);
  server.world.createRepo('ann/widgets', { files: { 'a.txt': 'one\n' } });
  const token = server.world.createToken('ann');
  expect(server.as('ann').openIssue('ann/widgets', { title: 'A', labels: ['x'] })).toBe(1);
  const ask = (path: string) => {
    const trust = ['--cacert', server?.caFile ?? '', '--noproxy', '*'];
    return spawnSync('curl', ['-sS', ...trust, '-H', `Authorization: Bearer ${token}`, `${server?.apiUrl}${path}`], { encoding: 'utf8' })
      .stdout;
  };
  expect(JSON.parse(ask('/repos/ann/widgets/issues'))[0].title).toBe('A');
  server.fault({ kind: '502-before', path: '/user' });
  expect(ask('/user')).toContain('<html>');
  expect(JSON.parse(ask('/user')).login).toBe('ann');
  ask('/nonsense');
  expect(server.requests.map((one) => [one.path, one.status])).toEqual([
    ['/repos/ann/widgets/issues', 200],
    ['/user', 502],
    ['/user', 200],
    ['/nonsense', 404],
  ]);
  expect(server.requests[0]?.headers['authorization']).toBe(`Bearer ${token}`);
  expect(server.violations.map((one) => one.path)).toEqual(['/nonsense']);
  expect(() => server?.as('ann').close('ann/nothing', 1)).toThrow('no repository `ann/nothing`');
  expect(() => server?.call({ method: 'constructor' })).toThrow('cannot `constructor`');
});

it('answers GraphQL over the same memory, counts it, and notes a query GitHub would not know', async () => {
  const s = await openScene();
  s.server.as('ann').openIssue('ann/widgets', { title: 'A' });
  const ask = async (query: string) => {
    const headers = { authorization: `Bearer ${s.tokens.bob}` };
    const response = await fetch(`${s.server.url}/api/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
    return { left: response.headers.get('x-ratelimit-remaining'), body: (await response.json()) as { data?: unknown; errors?: unknown[] } };
  };
  const { left, body } = await ask(
    'query Read { repository(owner: "ann", name: "widgets") { issue(number: 1) { title author { login } } } }',
  );
  expect(body).toEqual({ data: { repository: { issue: { title: 'A', author: { login: 'ann' } } } } });
  expect(left).toBe('4999');
  expect(s.server.requests[0]).toMatchObject({ kind: 'graphql', operation: 'Read', status: 200 });
  s.server.fault({ kind: '502-before', operation: 'Read' });
  await expect(ask('query Read { viewer { login } }')).rejects.toThrow();
  expect((await ask('query Bad { viewer { shoeSize } }')).body.errors).toHaveLength(1);
  expect(s.server.violations.splice(0)).toMatchObject([{ path: '/graphql', where: 'request', what: expect.stringContaining('shoeSize') }]);
  await s.close();
});
