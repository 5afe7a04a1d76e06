/**
 * What passes without news ask of GitHub and cost here: requests and points, by
 * the count of the service; CPU time over TLS against bare Node.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import type { LoggedRequest } from '../../test/github-server/server.ts';
import { measureCpu } from './cpu.ts';
import { type Report, say } from './figure.ts';
import { GitHubInstallation } from './github-installation.ts';

const BATCHES = 12;
/** `dispatch` asks one question over TLS, the others none. */
const CPU_LIMITS = { 20: 3.7, newer: 3 };
const LOCAL_CPU_LIMIT = 1.8;
const PULLS = 20;

export async function benchGitHub(report: Report): Promise<void> {
  benchCpu(report);
  for (const repos of [1, 10, 50]) benchIdleRequests(report, repos);
  for (const issues of [20, 100, 500]) benchReadyRequests(report, issues);
  benchWaitingPulls(report);
}

interface Cost {
  /** Requests before the first write: when it is sent, every task is there. */
  ahead: number;
  reads: number;
  writes: number;
  points: number;
}

/** What one pass asked, as the service counted it; the points are those that the answers name. @throws when it fails. */
function costOf(world: GitHubInstallation, loop: string, ...more: string[]): Cost {
  const before = world.server.requests.length;
  const argv = [world.path('program/bin/agentos.js'), loop, '--json', ...more];
  const run = spawnSync(process.execPath, argv, { cwd: world.dir, env: world.env(), encoding: 'utf8', maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(`agentos ${loop} ended with ${run.status}\n${run.stdout}${run.stderr}`);
  const requests = world.server.requests.slice(before).filter(({ kind }) => kind !== 'git');
  const { summary } = JSON.parse(run.stdout) as { summary: { requests: number; points: number } };
  if (summary.requests !== requests.length) throw new Error(`${loop} counted ${summary.requests} requests, GitHub ${requests.length}`);
  const writes = requests.filter(isWrite).length;
  const ahead = writes === 0 ? requests.length : requests.findIndex(isWrite);
  return { ahead, reads: requests.length - writes, writes, points: summary.points };
}

function isWrite({ kind, method }: LoggedRequest): boolean {
  return kind === 'rest' && method !== 'GET';
}

function reportCost(report: Report, name: string, { reads, writes, points }: Cost, limit?: number, note?: string): void {
  const figure = { n: 1, ...(limit !== undefined && { limit }), ...(note !== undefined && { note }) };
  report({
    ...figure,
    figure: `github-${name}-requests`,
    value: reads + writes,
    unit: writes > 0 ? `requests, ${writes} of them writes` : 'requests',
  });
  report({ ...figure, figure: `github-${name}-points`, value: points, unit: 'points' });
}

function benchIdleRequests(report: Report, repos: number): void {
  say(`idle passes over ${repos} repositories of GitHub`);
  withInstallation({ repos, issues: 20, ready: false }, (world) => {
    costOf(world, 'dispatch');
    for (const [loop, limit] of [
      ['dispatch', 1],
      ['queue', 0],
      ['pr-monitor', 0],
    ] as const)
      reportCost(report, `${loop}-idle-${repos}-repositories`, costOf(world, loop), limit);
  });
}

function benchReadyRequests(report: Report, issues: number): void {
  say(`${issues} Ready issues of GitHub`);
  withInstallation({ repos: 1, issues, ready: true }, (world) => {
    const first = costOf(world, 'dispatch');
    const note = 'before the first write, when every task is there';
    report({ figure: `github-dispatch-${issues}-ready-tasks-requests`, value: first.ahead, unit: 'requests', n: 1, note });
    reportCost(report, `dispatch-${issues}-ready-first`, first);
    // Until everything is shown, and what the passes wrote is read once more.
    for (let pass = 0; pass < 6; pass++) {
      world.server.world.advance(60);
      if (costOf(world, 'dispatch').writes === 0) break;
    }
    world.server.world.advance(60);
    costOf(world, 'dispatch');
    world.server.world.advance(60);
    reportCost(report, `dispatch-${issues}-ready-unchanged`, costOf(world, 'dispatch'), 1);
  });
}

function benchWaitingPulls(report: Report): void {
  say(`${PULLS} pull requests that wait`);
  withInstallation({ repos: 1, issues: PULLS, ready: true, checks: [{ name: 'test', run: 'true' }] }, (world) => {
    costOf(world, 'dispatch');
    const inReview = () => world.listMailbox().filter(({ tray }) => tray === 'review').length;
    for (let pass = 0; inReview() < PULLS; pass++) {
      if (pass === PULLS) throw new Error(`${inReview()} of ${PULLS} pull requests were opened`);
      costOf(world, 'queue');
    }
    costOf(world, 'pr-monitor');
    world.server.world.advance(60);
    world.server.world.advance(60);
    costOf(world, 'pr-monitor');
    reportCost(report, `pr-monitor-${PULLS}-waiting-unchanged`, costOf(world, 'pr-monitor'), 1);
  });
}

function benchCpu(report: Report): void {
  withInstallation({ repos: 5, issues: 20, ready: false, tls: true }, (world) => {
    const other = process.env['AGENTOS_BENCH_NODE'];
    for (const node of [process.execPath, ...(other ? [other] : [])]) cpuOf(report, world, node);
  });
}

/**
 * As with GitHub's own certificate, Node reads the authorities that it brings along, and none from a file:
 * the test's certificate, which none of them signed, is let through after it was checked.
 */
const AS_IN_PRODUCTION = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' };

function cpuOf(report: Report, world: GitHubInstallation, node: string): void {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const tls = version.startsWith('v20.') ? CPU_LIMITS[20] : CPU_LIMITS.newer;
  const bare = [node, '-e', '0'];
  const measure = (env: Record<string, string>, flags: string[], loops: string[]) => {
    const programs = [bare, ...loops.map((loop) => [node, ...flags, world.path('program/bin/agentos.js'), loop])];
    return measureCpu({ programs, env: world.env(env), cwd: world.dir, batches: BATCHES });
  };
  say(`idle passes over TLS on ${version}`);
  const loops = ['dispatch', 'queue', 'pr-monitor'];
  const { ms, n } = measure(AS_IN_PRODUCTION, [], loops);
  const [reference = 0, ...values] = ms;
  for (const [at, loop] of loops.entries()) {
    const limit = loop === 'dispatch' ? tls : LOCAL_CPU_LIMIT;
    report({ figure: `github-${loop}-cpu`, value: values[at] ?? 0, unit: 'ms', reference, limit, n, node: version });
  }
  const ca = world.server.caFile ?? '';
  const others = [
    { name: 'openssl-ca', env: { SSL_CERT_FILE: ca }, flags: ['--use-openssl-ca'], note: 'node --use-openssl-ca with one certificate' },
    { name: 'extra-ca', env: { NODE_EXTRA_CA_CERTS: ca }, flags: [], note: 'NODE_EXTRA_CA_CERTS, which bare Node pays for too' },
  ];
  for (const { name, env, flags, note } of others) {
    const { ms: spent } = measure(env, flags, ['dispatch']);
    report({ figure: `github-dispatch-cpu-${name}`, value: spent[1] ?? 0, unit: 'ms', reference: spent[0] ?? 0, n, node: version, note });
  }
}

function withInstallation(options: Parameters<typeof GitHubInstallation.begin>[0], work: (world: GitHubInstallation) => void): void {
  const world = GitHubInstallation.begin(options);
  try {
    work(world);
  } finally {
    world.close();
  }
}
