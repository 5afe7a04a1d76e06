/**
 * `npm run bench [-- NAME…]`: measures what docs/performance.md promises. One
 * JSON line a figure on stdout, progress on stderr, exit status 1 when a limit
 * is broken. NAME is a bench (`idle`, `github`, `mailbox`, `workspace`, `task`) or a
 * figure; without one everything is measured. Everything happens in temporary
 * directories that are removed at the end.
 */
import { type Bench, type Figure, say, toLine } from './figure.ts';
import { benchGitHub } from './github.ts';
import { benchIdle } from './idle.ts';
import { benchMailbox } from './mailbox.ts';
import { benchTask } from './task.ts';
import { removeTemporary } from './temporary.ts';
import { benchWorkspace } from './workspace.ts';

const BENCHES: Record<string, Bench> = {
  idle: benchIdle,
  github: benchGitHub,
  mailbox: benchMailbox,
  workspace: benchWorkspace,
  task: benchTask,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => benchOf(name) === undefined);
let reported = 0;
const broken: string[] = [];

process.on('exit', removeTemporary);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

if (unknown.length > 0) {
  say(
    `no bench or figure \`${unknown.join('`, `')}\`; there are ${Object.keys(BENCHES).join(', ')}, and figures that begin with these words`,
  );
  process.exitCode = 64;
} else {
  const chosen = Object.keys(BENCHES).filter((name) => wanted.length === 0 || wanted.some((word) => benchOf(word) === name));
  for (const name of chosen) {
    say(`${name} …`);
    await BENCHES[name]?.(report);
  }
  for (const line of broken) say(`over its limit: ${line}`);
  say(`${reported} figures, ${broken.length} over their limit`);
  if (broken.length > 0 || reported === 0) process.exitCode = 1;
}

function report(figure: Figure): void {
  const { figure: name } = figure;
  if (wanted.length > 0 && !wanted.some((word) => (word in BENCHES ? benchOf(name) === word : name.startsWith(word)))) return;
  const line = toLine(figure);
  reported++;
  process.stdout.write(`${JSON.stringify(line)}\n`);
  if (!line.ok) broken.push(`${name}: ${line.ratio ?? line.value} > ${line.limit}`);
}

/** The bench that measures a figure: its first word. */
function benchOf(name: string): string | undefined {
  const [word = ''] = name.split('-');
  return Object.hasOwn(BENCHES, word) ? word : undefined;
}
