/** The whole loop under environments that cron, containers and people make; and a second run of everything, which must change nothing. */
import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { addsFile, type Ended, REPO, ROOT, World } from '../support/world.ts';

const BIN = join(ROOT, 'bin/agentos.js');
const LOOPS = ['dispatch', 'queue', 'local ci', 'pr-monitor'];
const CONFIG = `repos: [{ name: ${REPO}, automation: full, verify: ["true"], local_ci: ["true"] }]
agents: { patch: { kind: patch } }
routing: { default: [patch] }
sandbox: { mode: "off" }
`;

/** A shell around each command; `"$@"` is `node agentos.js <command>`. */
const SHELLS: { name: string; script: string }[] = [
  { name: '`env -i` with a config option', script: `exec env -i PATH=/usr/local/bin:/usr/bin:/bin "$@" -c "$CONFIG"` },
  { name: 'umask 000', script: 'umask 000; exec "$@"' },
  { name: 'HOME that is nowhere', script: 'HOME=/nowhere/at/all; export HOME; exec "$@"' },
  {
    name: 'umask 077, LANG=C and far from Greenwich',
    script: 'umask 077; LANG=C LC_ALL=C TZ=Asia/Tokyo; export LANG LC_ALL TZ; exec "$@"',
  },
  { name: 'stdin, stdout and stderr closed', script: 'exec "$@" <&- >&- 2>&-' },
  {
    name: "git's own variables set against us",
    script:
      'GIT_DIR=/nowhere GIT_WORK_TREE=/ GIT_INDEX_FILE=/x GIT_CONFIG_GLOBAL=/dev/zero; export GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE; exec "$@"',
  },
  { name: 'a small limit of open files', script: 'ulimit -n 64; exec "$@"' },
];

describe('the loop', () => {
  let world: World;
  afterEach(() => world.close());

  const open = () => {
    world = World.open({ files: { 'README.md': '# shop\n' }, config: CONFIG });
    return world.issue('Add a sum', addsFile('sum.js', 'export const sum = 2;'));
  };
  const inShell = (script: string, command: string): Ended => {
    const { status, signal, stdout, stderr } = spawnSync('/bin/sh', ['-c', script, 'sh', process.execPath, BIN, ...command.split(' ')], {
      cwd: world.dir,
      env: world.env({ CONFIG: world.path('config.yaml') }),
      encoding: 'utf8',
    });
    return { status, signal, stdout, stderr };
  };

  it.each(SHELLS)('goes from Ready to done under $name', ({ script }) => {
    const issue = open();
    for (const command of LOOPS) {
      const ended = inShell(script, command);
      expect({ command, ...ended }).toMatchObject({ command, status: 0 });
      expect(ended.stderr).not.toMatch(/this is a bug of ours|Warning/);
    }
    expect(world.task(issue)?.tray).toBe('done');
    expect(inShell(script, 'fsck').status).toBe(0);
    expect(statSync(world.path('state')).mode & 0o077).toBe(0);
  });

  it('says so when its working directory was deleted', () => {
    open();
    for (const command of [...LOOPS, 'status', 'config check']) {
      const ended = inShell('mkdir gone && cd gone && rmdir ../gone; exec "$@"', command);
      expect({ command, ...ended }).toMatchObject({
        command,
        status: 74,
        stderr: expect.stringContaining('the working directory does not exist'),
      });
    }
  });

  it('does nothing the second time, leaves no trace of it, and says nothing', () => {
    const issue = open();
    const waiting = world.issue('Wait for more', `depends on #${issue + 100}`);
    const failing = world.issue('Fail', 'Nothing to apply.');
    for (let k = 0; k < 5; k++) world.tick();
    expect([issue, waiting, failing].map((one) => world.task(one)?.tray)).toEqual(['done', undefined, 'escalated']);
    const before = { ...fingerprint(world.path('state')), ...fingerprint(world.path('forge')) };
    for (const command of [...LOOPS, ...LOOPS, 'analyze-logs', 'groom']) {
      const ended = world.run(command.split(' '));
      expect({ command, ...ended }).toMatchObject({ command, status: 0, stderr: '' });
      if (LOOPS.includes(command) && command !== 'local ci') expect({ command, stdout: ended.stdout }).toEqual({ command, stdout: '' });
    }
    for (const command of ['status', 'fsck', `show demo__shop-${issue}-1`, `explain ${REPO}#${waiting}`, 'config check'])
      world.must(...command.split(' '));
    world.run(['doctor']);
    world.must('gc');
    expect({ ...fingerprint(world.path('state')), ...fingerprint(world.path('forge')) }).toEqual(before);
  });
});

/** Content of every file below, but for heartbeats and locks, which every pass touches. */
function fingerprint(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => !/^(loops|locks|cache)(\/|$)/.test(name));
  return Object.fromEntries(
    files.flatMap((name) => {
      const stat = lstatSync(`${root}/${name}`);
      return stat.isFile() ? [[`${root}/${name}`, `${stat.mtimeMs} ${readFileSync(`${root}/${name}`, 'latin1').slice(0, 200)}`]] : [];
    }),
  );
}
