/** The pace of writes over several processes: no slot is given twice. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { AgentOsError } from '../../../../../src/core/errors.ts';
import { sleepFor } from '../../../../../src/core/github/octokit/client/pace.ts';
import { temporaryDirectory } from './small-server.ts';

it('gives every write of three processes a second of its own', async () => {
  const stateDir = temporaryDirectory();
  const worker = join(stateDir, 'worker.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('pace-worker.ts', import.meta.url))],
    outfile: worker,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  });
  const outputs = await Promise.all(
    [1, 2, 3].map(
      () =>
        new Promise<string>((resolve, reject) => {
          const child = spawn(process.execPath, [worker, stateDir, '20'], { stdio: ['ignore', 'pipe', 'inherit'] });
          let text = '';
          child.stdout.on('data', (part: Buffer) => {
            text += part.toString();
          });
          child.on('error', reject);
          child.on('close', () => resolve(text));
        }),
    ),
  );
  const slots = outputs.flatMap((text) => text.trim().split('\n').map(Number)).sort((a, b) => a - b);
  expect(slots).toEqual(Array.from({ length: 60 }, (_, index) => index * 1000));
});

it('a wait ends with its signal', async () => {
  const stop = new AbortController();
  const wait = sleepFor(60_000, stop.signal);
  stop.abort();
  await expect(wait).rejects.toMatchObject({ constructor: AgentOsError, code: 'cancelled' });
  await expect(sleepFor(60_000, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
});
