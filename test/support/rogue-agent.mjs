#!/usr/bin/env node
// An agent that mistreats its directory, its git dir and its output; `fake-agent.mjs` has the faults of honest ones.
// The mode is the first argument; more arguments belong to the mode.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';

const mode = process.argv[2];
const args = process.argv.slice(3);

const leave = () => {
  writeFileSync(process.env.AGENTOS_RESULT_FILE, 'STATUS: complete\nBLOCKER_CODE: none\n\nSUMMARY:\nDid what was asked.\n');
};
const work = () => writeFileSync('work.txt', `attempt ${process.env.AGENTOS_ATTEMPT ?? '?'}\n`);
const git = (...argv) => execFileSync('git', ['-c', 'user.name=Agent', '-c', 'user.email=agent@example.com', ...argv], { stdio: 'ignore' });
const forever = () => setInterval(() => {}, 1000);

const modes = {
  /** Works once the file named by the first argument is there; until then it says that it runs, in the second. */
  wait: () => {
    work();
    if (args[1]) writeFileSync(args[1], `${process.pid}\n`);
    const timer = setInterval(() => {
      if (!existsSync(args[0])) return;
      clearInterval(timer);
      leave();
    }, 20);
  },
  /** As `wait`, and deaf to every polite signal. */
  deaf: () => {
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => {});
    modes.wait();
    forever();
  },
  /** Leaves a link in the place of its git dir: to that dir moved elsewhere, or to the argument. */
  'link-git': () => {
    if (args[0] === undefined) renameSync('.git', 'elsewhere');
    else rmSync('.git', { recursive: true });
    symlinkSync(args[0] ?? 'elsewhere', '.git');
    work();
    leave();
  },
  /** Throws the history away and starts one of its own. */
  orphan: () => {
    work();
    git('checkout', '-q', '--orphan', 'fresh');
    git('add', 'work.txt');
    git('commit', '-q', '-m', 'History starts here');
    git('branch', '-D', '-q', ...git0('for-each-ref', '--format=%(refname:short)', 'refs/heads').filter((name) => name !== 'fresh'));
    leave();
  },
  /** Hooks of every kind; the argument is the marker that they leave. */
  hooks: () => {
    for (const name of ['pre-commit', 'post-checkout', 'post-index-change', 'reference-transaction', 'pre-push', 'post-commit']) {
      writeFileSync(`.git/hooks/${name}`, `#!/bin/sh\ntouch ${args[0]}\n`, { mode: 0o755 });
    }
    work();
    leave();
  },
  /** Takes its own directory away, as far as it may. */
  vanish: () => {
    try {
      rmSync(process.cwd(), { recursive: true, force: true });
    } catch {}
  },
  /** Leaves a directory and a file that nobody may read; with `all` the whole directory too. */
  closed: () => {
    work();
    mkdirSync('closed');
    writeFileSync('closed/file', 'x');
    writeFileSync('secret', 'x', { mode: 0 });
    chmodSync('closed', 0);
    leave();
    if (args[0] === 'all') chmodSync('.', 0);
  },
  /** As many files as the argument says. */
  many: () => {
    for (let k = 0; k < Number(args[0] ?? 200); k++) writeFileSync(`file-${k}.txt`, `${k}\n`);
    leave();
  },
  /** One file of as many bytes as the argument says. */
  big: () => {
    writeFileSync('big.bin', Buffer.alloc(Number(args[0] ?? 2_000_000), 'x'));
    leave();
  },
  /** A link in the tree that leads out of it. */
  outward: () => {
    work();
    symlinkSync(args[0] ?? '/etc/passwd', 'outward');
    leave();
  },
  /** Prints until it is ended. */
  endless: () => {
    const more = () => process.stdout.write('all work and no play\n'.repeat(1000), more);
    more();
  },
};

function git0(...argv) {
  return execFileSync('git', argv, { encoding: 'utf8' }).split('\n').filter(Boolean);
}

const act = modes[mode];
if (!act) {
  console.error(`unknown mode ${mode}`);
  process.exit(64);
}
act();
