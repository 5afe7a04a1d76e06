/** Where the command was started, which relative paths of the command line are relative to. */
import { AgentOsError } from './errors.ts';

/** Absolute. @throws AgentOsError `io` when somebody removed it meanwhile. */
export function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new AgentOsError('io', 'the working directory does not exist any more', {
      hint: 'Change to one that does, and run it again.',
      cause: error,
    });
  }
}
