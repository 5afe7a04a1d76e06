/** Where the built loop lies: beside the program that runs, or in `dist` of the sources. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AgentOsError } from '../../errors.ts';
import type { ApiProgram } from './api-kind.ts';

const FILE = 'api-agent.js';

/** @throws AgentOsError `unavailable` where it was never built */
export function findApiProgram(from = fileURLToPath(import.meta.url)): ApiProgram {
  for (let directory = dirname(from); ; directory = dirname(directory)) {
    const file = [join(directory, FILE), join(directory, 'dist', FILE)].find((path) => existsSync(path));
    if (file !== undefined) return { node: process.execPath, file };
    if (directory === dirname(directory)) break;
  }
  throw new AgentOsError('unavailable', `\`${FILE}\` is missing beside the program`, { hint: 'Run `npm run build`, or install it anew.' });
}
