/** The program of an agent: what of it the sandbox must show, and how its absence reads. */
import { AgentOsError } from '../errors.ts';
import type { SandboxExit } from '../sandbox/sandbox.ts';
import { realPath } from '../sandbox/visible-paths.ts';
import { cleanLine } from '../text.ts';

/** The path that is started and the file that it is. */
export function listNames(program: string): string[] {
  const real = realPath(program) ?? program;
  return real === program ? [program] : [program, real];
}

/** 126 and 127 are what shells and `env` say of a program that cannot be started: nothing to do with the task. */
export function refuseMissing(name: string, exit: SandboxExit): void {
  if (exit.ended !== 'exited' || (exit.exitCode !== 126 && exit.exitCode !== 127)) return;
  const words = cleanLine(exit.output.trim().split('\n').at(-1) ?? '');
  throw new AgentOsError(
    'unavailable',
    `agent \`${name}\` cannot be started: exit ${exit.exitCode}${words === '' ? '' : `, \`${words}\``}`,
    {
      hint: 'Give it what it needs on PATH or in `sandbox.readable`.',
    },
  );
}
