/** `agentos config check` and `agentos config schema`. Both change nothing. */
import type { Command } from 'commander';
import type { LoadedConfig } from '../../core/config/schema.ts';
import { workingDirectory } from '../../core/working-directory.ts';
import { renderConfigSummary } from './render-config-summary.ts';
import { type Call, type OperatorTools, print } from './tools.ts';

export function registerConfig(program: Command, tools: OperatorTools): void {
  const config = program.command('config').summary('check the configuration; its schema').description('The configuration file.');
  config
    .command('check')
    .summary('check the file, and say what it means')
    .description('Reads the configuration and says what it means, the built-in list of protected paths included. Opens nothing else.')
    .addHelpText('after', '\nExit status: 0; 78 with every problem and its line.')
    .action(tools.action(check));
  config
    .command('schema')
    .summary('print the JSON Schema of the file')
    .description('Prints the JSON Schema (2020-12) of the configuration file, for editors.')
    .addHelpText('after', '\nExit status: 0.\n\nExample:\n  agentos config schema > config.schema.json')
    .action(tools.action(schema));
}

async function check(call: Call): Promise<number> {
  const { loadConfig } = await import('../../core/config/load.ts');
  const { BUILT_IN_PROTECTED } = await import('../../core/git/protected-paths.ts');
  const config: LoadedConfig = await loadConfig({ path: call.globals.config, env: process.env, cwd: workingDirectory() });
  print(call, { ok: true, config, builtInProtected: BUILT_IN_PROTECTED }, renderConfigSummary(config, BUILT_IN_PROTECTED, call.paint));
  return 0;
}

async function schema(call: Call): Promise<number> {
  const { toJsonSchema } = await import('../../core/config/describe.ts');
  call.out.result(`${JSON.stringify(toJsonSchema(), null, 2)}\n`);
  return 0;
}
