/** Nothing of the environment but the named key reaches a provider, whatever its SDK would take from there. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as z from 'zod';
import { openModels } from '../../../src/core/models/chain.ts';
import type { Provider } from '../../../src/core/models/models.ts';

const EVIL = {
  ANTHROPIC_CUSTOM_HEADERS: 'x-evil: KANARI',
  ANTHROPIC_AUTH_TOKEN: 'KANARI',
  ANTHROPIC_BASE_URL: 'http://127.0.0.1:1/KANARI',
  OPENAI_CUSTOM_HEADERS: 'x-evil: KANARI',
  OPENAI_ORG_ID: 'KANARI',
  OPENAI_PROJECT_ID: 'KANARI',
  OPENAI_ADMIN_KEY: 'KANARI',
  OPENAI_BASE_URL: 'http://127.0.0.1:1/KANARI',
};

let server: Server;
let seen: IncomingHttpHeaders[];
beforeEach(async () => {
  seen = [];
  server = createServer((request, response) => {
    seen.push(request.headers);
    response.writeHead(401).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  Object.assign(process.env, EVIL);
});
afterEach(() => {
  for (const name of Object.keys(EVIL)) delete process.env[name];
  server.close();
});

it.each<Provider>(['anthropic', 'openai', 'deepseek', 'google'])('%s', async (provider) => {
  const models = openModels({
    models: [{ provider, model: 'm', key_env: 'MODEL_KEY', base_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }],
    env: { MODEL_KEY: 'sk-own' },
    clock: { now: () => new Date() },
  });
  const schema = z.strictObject({});
  const asking = { purpose: 'test', system: '', prompt: 'Say so.', schema, maxOutputTokens: 5, deadlineMs: 5000 };
  await expect(models?.ask({ ...asking, signal: new AbortController().signal })).rejects.toMatchObject({ code: 'auth' });
  expect(seen).toHaveLength(1);
  expect(JSON.stringify(seen)).toContain('sk-own');
  expect(JSON.stringify(seen)).not.toContain('KANARI');
  expect(process.env).toMatchObject(EVIL);
});
