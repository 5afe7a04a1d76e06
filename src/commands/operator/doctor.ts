/** `agentos doctor`: is this machine, this configuration and this installation fit to run? Spends nothing, changes nothing. */
import type { Command } from 'commander';
import { AgentOsError } from '../../core/errors.ts';
import type { Ports } from '../../core/ports.ts';
import { plural } from '../../core/text.ts';
import type { Check } from './doctor-checks.ts';
import { type Call, type OperatorTools, print } from './tools.ts';

export function registerDoctor(program: Command, tools: OperatorTools): void {
  program
    .command('doctor')
    .summary('is everything fit to run?')
    .description(
      'Checks programs, configuration, state directory, sandbox, agents, books, forge and heartbeats, each with what to do about it. Calls no model.',
    )
    .addHelpText('after', '\nExit status: 0, also with warnings; 1 when something is wrong.')
    .action(tools.action(doctor));
}

async function doctor(call: Call): Promise<number> {
  const checks = await runChecks(call);
  const wrong = checks.filter((check) => check.state === 'bad').length;
  const warnings = checks.filter((check) => check.state === 'warn').length;
  const width = Math.max(...checks.map((check) => check.name.length));
  const lines = checks.map((check) => render(check, width, call));
  const sum = wrong === 0 ? call.paint('good', 'fit to run') : call.paint('bad', `${plural(wrong, 'problem')}`);
  const text = `${[...lines, `${sum}${warnings > 0 ? `, ${plural(warnings, 'warning')}` : ''}`].join('\n')}\n`;
  print(call, { ok: wrong === 0, checks }, text);
  return wrong > 0 ? 1 : 0;
}

async function runChecks(call: Call): Promise<Check[]> {
  const { checkAgents, checkForge, checkGit, checkHeartbeats, checkMachine, checkSandbox, checkState, guard } = await import(
    './doctor-checks.ts'
  );
  const machine = checkMachine(process.versions.node, process.env['PATH'] ?? '');
  let ports: Ports;
  try {
    ports = await call.ports();
  } catch (error) {
    if (!(error instanceof AgentOsError)) throw error;
    const name = error.code === 'io' ? 'state' : 'config';
    return [...machine, { name, state: 'bad', what: error.message, remedy: error.hint ?? 'Put it right first.' }];
  }
  return [
    ...machine,
    { name: 'config', state: 'ok', what: ports.config.path },
    ...(await checkGit(ports)),
    ...(await guard('state', () => checkState(ports))),
    ...(await checkSandbox(ports)),
    ...(await checkAgents(ports)),
    ...(await (await import('./doctor-budget.ts')).checkBudget(ports)),
    ...(await checkForge(ports)),
    ...(await guard('loops', () => checkHeartbeats(ports))),
  ];
}

function render({ name, state, what, remedy }: Check, width: number, { paint }: Call): string {
  const mark = state === 'ok' ? paint('good', 'ok  ') : state === 'warn' ? paint('warn', 'warn') : paint('bad', 'bad ');
  const lines = [`${mark}  ${name.padEnd(width)}  ${what}`];
  if (remedy !== undefined) lines.push(`${' '.repeat(width + 8)}${remedy}`);
  return lines.join('\n');
}
