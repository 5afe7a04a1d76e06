/** argv → exit status: the only `process.exit` and the only place that shows an error to a person. */
import { runCli } from './cli.ts';
import { AgentOsError, asStorageError, exitStatus } from './core/errors.ts';
import { guardStreams } from './core/streams.ts';

// Whatever umask cron or a shell gives: nothing that we or git write can be changed by other users.
process.umask(process.umask(0o022) | 0o022);

const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

const abort = new AbortController();
let signalled = 0;
for (const [name, number] of Object.entries(SIGNALS)) {
  process.on(name, () => {
    // The first signal stops the agents and requeues their tasks; the second one is an order.
    if (signalled > 0) process.exit(128 + number);
    signalled = number;
    abort.abort();
  });
}

// Not awaited here: the bundle is CommonJS, which Node starts faster.
void main();

async function main(): Promise<void> {
  try {
    const status = await runCli(process.argv.slice(2), abort.signal);
    process.exitCode = signalled > 0 ? 128 + signalled : status;
  } catch (error) {
    process.exitCode = signalled > 0 ? 128 + signalled : exitStatus(error);
    showError(error);
  }
}

function showError(thrown: unknown): void {
  guardStreams();
  const error = asStorageError(thrown);
  if (!(error instanceof AgentOsError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`agentos: this is a bug of ours; please report it with these lines\n${stack}\n`);
    return;
  }
  const hint = error.hint === undefined ? '' : `\n  ${error.hint}`;
  process.stderr.write(`agentos: ${error.message}${hint}\n`);
}
