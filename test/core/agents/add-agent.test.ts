/** The documentation of agents, held to what it shows: the example of a new one works as it stands there, and the table is that of the matrix. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCliAgent } from '../../../src/core/agents/cli/cli-agent.ts';
import { renderOutcomes } from '../../agents/outcomes.ts';
import { makeRequest } from '../../support/agent-request.ts';
import { type ModelServer, openModelServer } from '../../support/model-server.ts';
import { DRIVERS, makePlace, openDriver, PATH, type Place } from '../../support/sandboxes.ts';
import { ROOT } from '../../support/world.ts';
import { tiny } from './tiny.ts';

const docs = readFileSync(join(ROOT, 'docs/agents.md'), 'utf8');

describe('docs/agents.md', () => {
  it('shows the agent that is tested here', () => {
    const source = readFileSync(join(ROOT, 'test/core/agents/tiny.ts'), 'utf8').replace('../../../src/core/agents/cli/', './');
    expect(docs).toContain(`\`\`\`ts\n${source}\`\`\``);
  });
  it('keeps the table of outcomes', () => {
    expect(docs).toContain(`\n\n${renderOutcomes()}\n\n`);
  });
});

describe.each(DRIVERS.filter(({ there }) => there))('the agent that the documentation adds, $kind', ({ kind }) => {
  let place: Place;
  let server: ModelServer;
  beforeEach(async () => {
    place = makePlace();
    server = await openModelServer([{ text: 'Hello from the model.' }]);
  });
  afterEach(async () => {
    await server.close();
    place.remove();
  });

  it('runs', async () => {
    const agent = openCliAgent('tiny', {
      kind: tiny,
      program: join(ROOT, 'test/support/tiny-cli.mjs'),
      model: 'tiny-1',
      keyEnv: tiny.keyEnv,
      baseUrl: `${server.url}/v1`,
      maxTurns: 3,
      toCost: () => 0.01,
      sandbox: () => openDriver(kind, place),
      path: PATH,
      env: { TINY_API_KEY: 'sk-tiny-key' },
      now: () => new Date(),
    });
    const reply = await agent.run(makeRequest(place, { prompt: 'Say hello.\n' }), new AbortController().signal);
    expect(reply).toMatchObject({ ended: 'exited', costUsd: 0.01, usage: { input: 100, output: 20 } });
    expect(reply).not.toHaveProperty('failure');
    expect(readFileSync(join(place.workspace, 'said.txt'), 'utf8')).toBe('Hello from the model.');
    expect(server.seen).toMatchObject([{ model: 'tiny-1', key: 'sk-tiny-key', turns: [{ role: 'user', text: 'Say hello.\n' }] }]);
  });
});
