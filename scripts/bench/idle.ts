/**
 * What a pass costs that finds nothing to do, with 20 open issues on the local
 * forge, none of them Ready: CPU time and memory against bare Node, in the
 * environment that cron gives. `AGENTOS_BENCH_NODE=PATH` measures another Node
 * as well.
 */
import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { REPO, ROOT, World } from '../../test/support/world.ts';
import { measureCpu } from './cpu.ts';
import { median, type Report, say } from './figure.ts';
import { alsoRemove } from './temporary.ts';

const ISSUES = 20;
const BATCHES = 12;
const CPU_LIMIT = 1.8;
const MEMORY_RUNS = 5;
const MEMORY_LIMIT_MB = 90;
/** Printed by the program itself when it ends, in kB. */
const TELL_MEMORY = `--import=data:text/javascript,${encodeURIComponent(
  "import { writeSync } from 'node:fs'; process.on('exit', () => writeSync(2, String(process.resourceUsage().maxRSS)));",
)}`;

export async function benchIdle(report: Report): Promise<void> {
  const world = World.open();
  alsoRemove(world.dir);
  try {
    say(`a forge with ${ISSUES} issues`);
    for (let k = 1; k <= ISSUES; k++) {
      world.issue(`Round the total of order ${k} once`, 'Prices are in cents; rounding happens at the end.\n', k % 3 === 0 ? ['bug'] : []);
    }
    // A copy: a build that happens meanwhile changes nothing.
    for (const part of ['bin', 'dist', 'package.json']) cpSync(join(ROOT, part), world.path(`program/${part}`), { recursive: true });
    const other = process.env['AGENTOS_BENCH_NODE'];
    for (const node of [process.execPath, ...(other ? [other] : [])]) benchNode(report, world, node);
  } finally {
    world.close();
  }
}

function benchNode(report: Report, world: World, node: string): void {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const note = `${ISSUES} open issues of ${REPO}, none Ready; reference: node -e 0`;
  const bare = [node, '-e', '0'];
  for (const loop of ['dispatch', 'queue', 'pr-monitor']) {
    say(`idle ${loop} on ${version}`);
    const program = [node, world.path('program/bin/agentos.js'), loop];
    const { ms, n } = measureCpu({ programs: [bare, program], env: world.env(), cwd: world.dir, batches: BATCHES });
    const [reference = 0, value = 0] = ms;
    report({ figure: `idle-${loop}-cpu`, value, unit: 'ms', reference, limit: CPU_LIMIT, n, node: version, note });
    const memory = median(Array.from({ length: MEMORY_RUNS }, () => memoryOf(world, program)));
    report({ figure: `idle-${loop}-memory`, value: memory, unit: 'MB', limit: MEMORY_LIMIT_MB, n: MEMORY_RUNS, node: version });
  }
}

/** The largest resident set of a run, in MB. */
function memoryOf(world: World, [node = '', ...args]: string[]): number {
  const printed = execFileSync('bash', ['-c', '"$@" 2>&1 >/dev/null', 'bash', node, TELL_MEMORY, ...args], {
    cwd: world.dir,
    env: world.env(),
    encoding: 'utf8',
  });
  const kilobytes = Number(printed.trim().split('\n').at(-1));
  if (!(kilobytes > 0)) throw new Error(`the program did not tell its memory: ${printed}`);
  return kilobytes / 1024;
}
