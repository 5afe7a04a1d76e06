#!/usr/bin/env node
// An agent with every fault that the tests need. The mode comes from the first
// argument or FAKE_AGENT_MODE; more arguments belong to the mode.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';

const mode = process.argv[2] ?? process.env.FAKE_AGENT_MODE ?? 'ok';
const args = process.argv.slice(3);
const resultFile = process.env.AGENTOS_RESULT_FILE ?? '.agent_result.md';

const result = (fields = {}) => {
  const { status = 'complete', code = 'none', summary = 'Did what was asked.' } = fields;
  return `STATUS: ${status}\nBLOCKER_CODE: ${code}\n\nSUMMARY:\n${summary}\n\nDONE:\n- the work\nFILES_CHANGED:\n- work.txt\n`;
};
const leave = (text) => writeFileSync(resultFile, text);
const work = () => writeFileSync('work.txt', `attempt ${process.env.AGENTOS_ATTEMPT ?? '?'}\n`);
const forever = () => setInterval(() => {}, 1000);
const git = (...argv) => execFileSync('git', ['-c', 'user.name=Agent', '-c', 'user.email=agent@example.com', ...argv], { stdio: 'ignore' });
/** A shell in a session of its own whose parent is gone: it descends from nobody here. */
const daemon = (script) => {
  spawn('sh', ['-c', `(${script}) &`], { stdio: args.includes('quiet') ? 'ignore' : 'inherit', detached: true }).unref();
};

/** Answers what this process can see, as JSON in `seen.json`. */
async function look() {
  const environs = {};
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    try {
      environs[pid] = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').filter(Boolean);
    } catch {}
  }
  const connects = (port, host) =>
    new Promise((resolve) => {
      const socket = connect({ port, host, timeout: 1000 });
      socket
        .on('connect', () => resolve(true))
        .on('error', () => resolve(false))
        .on('timeout', () => resolve(false));
    });
  const seen = {
    env: process.env,
    environs,
    exists: args.filter((name) => name.startsWith('/')).map((name) => [name, existsSync(name)]),
    connected: [],
    tty: process.stdin.isTTY === true,
    cwd: process.cwd(),
  };
  for (const port of args.filter((name) => /^[0-9]+$/.test(name))) seen.connected.push([port, await connects(Number(port), '127.0.0.1')]);
  writeFileSync('seen.json', JSON.stringify(seen));
  leave(result());
  process.exit(0);
}

const modes = {
  /** Work and a result that says so. */
  ok: () => {
    work();
    leave(result());
  },
  /** Keeps what it was told: prompt on stdin, prompt file, variables. */
  record: () => {
    const told = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('AGENTOS_')));
    const file = process.env.AGENTOS_PROMPT_FILE ? readFileSync(process.env.AGENTOS_PROMPT_FILE, 'utf8') : '';
    writeFileSync('told.json', JSON.stringify({ stdin: readFileSync(0, 'utf8'), file, told }));
    leave(result());
  },
  look,
  noresult: work,
  /** Gives the form back as it came: it is the last argument. */
  echo: () => {
    work();
    leave(args[0] ?? '');
  },
  nodiff: () => leave(result()),
  blocked: () => leave(result({ status: 'blocked', code: 'missing_context', summary: 'The issue does not say which file.' })),
  blockeddiff: () => {
    work();
    leave(result({ status: 'blocked', code: 'test_failure', summary: 'The tests fail.' }));
  },
  partial: () => {
    work();
    leave(result({ status: 'partial', code: 'test_failure', summary: 'Half of it.' }));
  },
  exit1: () => {
    work();
    leave(result());
    process.exit(1);
  },
  status: () => process.exit(Number(args[0])),
  /** Ended in the middle of the result. */
  torn: () => {
    leave(result().slice(0, 12));
    process.kill(process.pid, 'SIGKILL');
  },
  crlf: () => {
    work();
    leave(`\ufeff${result().replaceAll('\n', '\r\n')}`);
  },
  tworesults: () => {
    work();
    leave(`${result()}\n${result({ status: 'blocked', code: 'test_failure' })}`);
  },

  hang: forever,
  drip: () => setInterval(() => process.stdout.write('.'), 50),
  ignoreterm: () => {
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => {});
    console.log('ready');
    forever();
  },
  /** Ends well and leaves a process that escaped the session; `quiet`: without our pipes. Its marker grows while it lives. */
  daemon: () => {
    daemon(`trap '' TERM HUP; while :; do echo x >> "$PWD/alive"; sleep 0.05; done`);
    work();
    leave(result());
    // Not before the daemon runs, so that the test proves that it was ended.
    const timer = setInterval(() => {
      if (existsSync('alive')) clearInterval(timer);
    }, 20);
  },
  hangdaemon: () => {
    modes.daemon();
    forever();
  },
  bigout: () => {
    const megabytes = Number(args[0] ?? 20);
    const junk = Buffer.concat([Buffer.from('\u001b[31m\0'), Buffer.from([0xff, 0xfe, 0x80]), Buffer.alloc(1_000_000 - 9, 0xe2)]);
    let left = megabytes;
    const finish = () => {
      modes.ok();
      process.exit(0);
    };
    const more = () => {
      if (left-- > 0) process.stdout.write(junk, more);
      else process.stdout.write('\nthe end €\n', finish);
    };
    more();
  },

  /** Writes to the paths given, which must not be its business. */
  escape: () => {
    for (const path of args) {
      try {
        writeFileSync(path, 'escaped');
      } catch {}
    }
    work();
    leave(result());
  },
  rmrf: () => {
    for (const name of readdirSync('.')) rmSync(name, { recursive: true, force: true });
  },
  'delete-git': () => {
    rmSync('.git', { recursive: true, force: true });
    work();
    leave(result());
  },
  'replace-git': () => {
    rmSync('.git', { recursive: true, force: true });
    writeFileSync('.git', `gitdir: ${args[0] ?? '/nowhere'}\n`);
    work();
    leave(result());
  },
  lock: () => {
    writeFileSync('.git/index.lock', '');
    writeFileSync('.git/HEAD.lock', '');
    work();
    leave(result());
  },
  /** Commits its work on a branch of its own choice, and goes on. */
  branch: () => {
    work();
    git('checkout', '-q', '-b', 'somewhere/else');
    git('add', 'work.txt');
    git('commit', '-q', '-m', 'Work on another branch');
    leave(result());
  },
  detached: () => {
    git('checkout', '-q', '--detach');
    work();
    git('add', 'work.txt');
    git('commit', '-q', '-m', 'Detached');
    leave(result());
  },
  /** Configuration that runs a program when the host's git looks. The argument is the marker it leaves. */
  'evil-git': () => {
    const marker = args[0] ?? '/tmp/marker';
    for (const [key, value] of [
      ['core.fsmonitor', `touch ${marker}`],
      ['core.hooksPath', '.git/evil'],
      ['filter.evil.clean', `touch ${marker}; cat`],
      ['diff.external', `touch ${marker}`],
    ]) {
      git('config', key, value);
    }
    writeFileSync('.gitattributes', '* filter=evil\n');
    work();
    leave(result());
  },
  nested: () => {
    mkdirSync('sub');
    execFileSync('git', ['init', '-q', 'sub']);
    work();
    leave(result());
  },
  symlink: () => {
    work();
    rmSync(resultFile, { force: true });
    symlinkSync(args[0] ?? '/etc/passwd', resultFile);
  },
  hardlink: () => {
    work();
    writeFileSync('other', result());
    linkSync('other', resultFile);
  },
  fifo: () => {
    work();
    execFileSync('sh', ['-c', 'mkfifo "$0"', resultFile]);
  },
  dir: () => {
    work();
    mkdirSync(resultFile);
  },
  huge: () => {
    work();
    writeFileSync(resultFile, result());
    truncateSync(resultFile, 5 * 2 ** 30);
  },
};

const act = modes[mode];
if (!act) {
  console.error(`unknown mode ${mode}`);
  process.exit(64);
}
await act();
