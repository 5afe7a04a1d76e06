/** A directory of ours as bait, and a program inside that tries to get at it and reports. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ensureDirectory } from '../atomic-file.ts';
import { toIoError } from '../errors.ts';
import { cleanLine } from '../text.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * A new directory with `secret`, which nobody may read, and `work` and `home` for the run.
 * @throws AgentOsError `io` when nothing can be written in the state directory.
 */
export function layBait(stateDir: string): string {
  ensureDirectory(stateDir);
  try {
    const dir = mkdtempSync(join(stateDir, 'probe-'));
    writeFileSync(join(dir, 'secret'), 'secret', { mode: 0o600 });
    for (const name of ['work', 'home']) mkdirSync(join(dir, name));
    return dir;
  } catch (error) {
    throw toIoError(error, `write in the state directory \`${stateDir}\``);
  }
}

/**
 * Runs a script under the name of the bait.
 * @param script JavaScript for `node -e`; the last line that it prints is one JSON object
 * @returns that object, or in words why there is none
 */
export async function tryInside(
  sandbox: Sandbox,
  dir: string,
  script: string,
  args: readonly string[],
): Promise<Record<string, unknown> | string> {
  const exit = await sandbox.run(
    {
      argv: [process.execPath, '-e', script, ...args],
      cwd: join(dir, 'work'),
      writable: [join(dir, 'work')],
      readable: [process.execPath],
      home: join(dir, 'home'),
      env: {},
      network: false,
      timeoutMs: 20_000,
      outputLimitBytes: 100_000,
      transcript: join(dir, 'transcript'),
      mark: basename(dir),
    },
    new AbortController().signal,
  );
  try {
    return JSON.parse(exit.output.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
  } catch {
    return `what tries it inside did not report (${exit.ended}, exit ${exit.exitCode}): ${cleanLine(exit.output, 300)}`;
  }
}
