/** `agentos cron print`: the lines for this very installation. Installs nothing. */
import { realpathSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { LoadedConfig } from '../../core/config/schema.ts';
import { exists } from '../../core/mailbox/tray-files.ts';
import { renderCrontab, SCHEDULES } from './render-crontab.ts';
import { type Call, type OperatorTools, print } from './tools.ts';

export function registerCron(program: Command, tools: OperatorTools): void {
  const cron = program.command('cron').summary('the crontab lines that run the loops').description('The crontab of this installation.');
  cron
    .command('print')
    .summary('print them')
    .description('Prints the crontab lines for this installation: absolute paths, the PATH of this shell, one log. Installs nothing.')
    .addHelpText(
      'after',
      '\nExit status: 0; 78 when the configuration is wrong.\n\nExample:\n  (crontab -l; agentos cron print) | crontab -',
    )
    .action(tools.action(printCrontab));
}

async function printCrontab(call: Call): Promise<number> {
  const { config, paths } = await call.ports();
  const facts = {
    node: process.execPath,
    bin: findBin(),
    config: config.path,
    log: `${paths.root}/cron.log`,
    path: searchPath(process.execPath, process.env['PATH'] ?? ''),
    localCi: config.repos.some((repo) => repo.local_ci.length > 0),
    variables: secretVariables(config),
  };
  print(call, { ...facts, schedules: SCHEDULES }, renderCrontab(facts));
  return 0;
}

/** The variables that the configuration names, each once. A login of `gh` needs no token. */
export function secretVariables({ forge, models, agents }: Pick<LoadedConfig, 'forge' | 'models' | 'agents'>): string[] {
  const token = forge.kind === 'github' && !forge.app ? [forge.token_env] : [];
  const keys = [...Object.values(agents), ...models].flatMap((one) => ('key_env' in one ? [one.key_env] : []));
  return [...new Set([...token, ...keys])];
}

/** The file that was started; from a source tree, the one that loads the build. */
function findBin(): string {
  const started = realpathSync(process.argv[1] ?? '');
  if (!started.endsWith('.ts')) return started;
  return fileURLToPath(new URL('../../../bin/agentos.js', import.meta.url));
}

/** The directory of this Node, then every directory of PATH that is there, each once. */
export function searchPath(node: string, path: string): string {
  const entries = [dirname(node), ...path.split(':'), '/usr/bin', '/bin'];
  return [...new Set(entries.filter((entry) => isAbsolute(entry) && exists(entry)))].join(':');
}
