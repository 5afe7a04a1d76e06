/** What the server's own tests share: a small GitHub with people in it, and a plain client. */
import { expect } from 'vitest';
import { GitHubServer, type Options } from './server.ts';
import type { RepoSeed } from './world.ts';

interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the shape of an answer is that of the endpoint in the test
  data: any;
}
export type Ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;

export interface Scene {
  server: GitHubServer;
  /** The owner `ann`, the writer `bob`, the passer-by `eve`, and nobody. */
  ann: Ask;
  bob: Ask;
  eve: Ask;
  nobody: Ask;
  tokens: { ann: string; bob: string; eve: string };
  /** Closes it; whatever broke GitHub's description fails the test here. */
  close(): Promise<void>;
}
export const REPO = '/repos/ann/widgets';

export function client(server: GitHubServer, token?: string): Ask {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(`${server.apiUrl}${path}`, {
      method,
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
      redirect: 'manual',
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = (response.headers.get('content-type') ?? '').includes('json');
    return { status: response.status, headers: response.headers, data: json && text ? JSON.parse(text) : text };
  };
}

export async function openScene(seed: RepoSeed = {}, options: Options = {}): Promise<Scene> {
  const server = await GitHubServer.start(options);
  server.setNow('2026-03-01T10:00:00Z');
  for (const login of ['ann', 'bob', 'eve']) server.createUser(login);
  server.createRepo('ann/widgets', { collaborators: { bob: 'write' }, ...seed });
  const tokens = { ann: server.createToken('ann'), bob: server.createToken('bob'), eve: server.createToken('eve') };
  return {
    ...{ server, tokens, ann: client(server, tokens.ann), bob: client(server, tokens.bob), eve: client(server, tokens.eve) },
    nobody: client(server),
    close: async () => {
      await server.close();
      expect(server.violations).toEqual([]);
    },
  };
}
