/** The crontab that runs Agent OS: cron gives neither PATH nor directory, so every path is absolute. Pure. */
import { AgentOsError } from '../../core/errors.ts';

export interface CrontabFacts {
  /** Absolute paths. */
  node: string;
  bin: string;
  config: string;
  /** Gets what goes wrong. */
  log: string;
  /** PATH of the loops and of what they start. */
  path: string;
  /** Some repository has `local_ci`: without a line for it, its checks would stay pending for ever. */
  localCi: boolean;
  /** Variables that hold a secret, which cron does not pass on by itself. */
  variables: readonly string[];
}

/** Minute, hour, day, month, weekday (docs/contracts.md, "Command line"). The weekly ones at odd times, when little else runs. */
export const SCHEDULES = {
  dispatch: '* * * * *',
  queue: '* * * * *',
  'pr-monitor': '*/5 * * * *',
  'analyze-logs': '17 5 * * 1',
  groom: '37 5 * * 1',
  plan: '7 * * * *',
} as const;

/** The checks of the local forge, which stand in for Actions. */
const LOCAL_CI = '* * * * *';

/** Debian's cron refuses longer lines. */
const MAX_LINE = 990;

/** @throws AgentOsError `refused` for a path that a crontab cannot hold. */
export function renderCrontab(facts: CrontabFacts): string {
  const jobs = [...Object.entries(SCHEDULES), ...(facts.localCi ? [['local ci', LOCAL_CI] as const] : [])];
  const lines = jobs.map(([job, schedule]) => `${schedule} ${escapePercent(commandLine(facts, job))}`);
  const environment = `PATH=${facts.path}`;
  for (const line of [environment, ...lines]) checkLine(line);
  return `# Agent OS: six loops, one pass each. Printed by \`agentos cron print\`.
#
# To install, add these lines with \`crontab -e\`. To stop everything at once,
# without touching the crontab: \`agentos pause\`.
#
# The loops print only what goes wrong, and it goes to the log named below.
# What cron itself cannot do (no such program, disk full) is mailed to MAILTO:
# this user, unless you say otherwise. \`agentos status\` shows a loop that does
# not run.
#MAILTO=you@example.com
${environment}
${renderVariables(facts.variables)}
${lines.join('\n')}
`;
}

function renderVariables(names: readonly string[]): string {
  if (names.length === 0) return '';
  const how = '# The loops need these: put the value in the place of the dots, and take the `#` away (the crontab is private to you).';
  return `${[how, ...names.map((name) => `#${name}=...`)].join('\n')}\n`;
}

function commandLine(facts: CrontabFacts, job: string): string {
  const words = [facts.node, facts.bin, ...job.split(' '), '--quiet', '--config', facts.config].map(quoteWord).join(' ');
  return `${words} >>${quoteWord(facts.log)} 2>&1`;
}

/** One word of /bin/sh. */
export function quoteWord(word: string): string {
  return /^[A-Za-z0-9_./:=@+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** In the command field of a crontab a bare `%` is a line feed; cron takes the backslash away again. */
function escapePercent(command: string): string {
  return command.replaceAll('%', '\\%');
}

function checkLine(line: string): void {
  if (/[\n\r\0]/.test(line)) {
    throw new AgentOsError('refused', 'a path with a line break cannot stand in a crontab', {
      hint: 'Move Agent OS or its configuration.',
    });
  }
  if (line.length <= MAX_LINE) return;
  throw new AgentOsError('refused', `a line of the crontab would be longer than ${MAX_LINE} characters, which cron refuses`, {
    hint: 'Run it with a shorter PATH: `PATH=/usr/local/bin:/usr/bin:/bin agentos cron print`.',
  });
}
