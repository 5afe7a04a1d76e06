/** The door of a confined program: what goes through it, and that it is the only one. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRun } from '../../../src/core/process-tree.ts';
import { RELAY, type Sandbox, type SandboxExit, type SandboxRun } from '../../../src/core/sandbox/sandbox.ts';
import { DRIVERS, hasBwrap, makePlace, makeRun, openDriver, PATH, type Place } from '../../support/sandboxes.ts';

const never = new AbortController().signal;

let place: Place;
let sandbox: Sandbox;
let gateway: Server;
let socket: string;
let mark: string;

/** What the gateway got, connection by connection. */
let got: Buffer[];

async function open(kind: Sandbox['kind']): Promise<void> {
  place = makePlace();
  sandbox = await openDriver(kind, place);
  mkdirSync(join(place.root, 'gateway'), { mode: 0o700 });
  socket = join(place.root, 'gateway', 'model.sock');
  got = [];
  // Answers when the other side has said all: what it got, in capitals.
  gateway = createServer({ allowHalfOpen: true }, (connection) => {
    const chunks: Buffer[] = [];
    connection.on('data', (chunk: Buffer) => chunks.push(chunk));
    connection.on('error', () => {});
    connection.on('end', () => {
      const all = Buffer.concat(chunks);
      got.push(all);
      connection.end(all.toString('latin1').toUpperCase());
    });
  });
  await new Promise<void>((resolve) => gateway.listen(socket, resolve));
}

afterEach(() => {
  gateway.close();
  place.remove();
});

function run(argv: string[], more: Partial<SandboxRun> = {}, signal = never): Promise<SandboxExit> {
  const request = makeRun(place, argv, { gateway: socket, ...more });
  mark = request.mark;
  return sandbox.run(request, signal);
}

/** Runs a few lines of JavaScript inside; `address` is what the relay gave. */
function script(lines: string, more: Partial<SandboxRun> = {}, signal = never): Promise<SandboxExit> {
  const head = `const net = require('node:net'), fs = require('node:fs'); const address = process.argv[1]; const [host, port] = address.split(':');`;
  return run([process.execPath, '-e', `${head}\n${lines}`, RELAY], more, signal);
}

const SEND = `const send = (bytes) => new Promise((resolve, reject) => {
  const chunks = [];
  const socket = net.connect({ host, port: Number(port), allowHalfOpen: true }, () => socket.end(bytes));
  socket.on('data', (chunk) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks))).on('error', reject);
});`;

describe.each(DRIVERS)('$kind', ({ kind, there }) => {
  describe.skipIf(!there)('with a gateway', () => {
    beforeEach(() => open(kind));

    it('carries a conversation to the socket and back, and says where in arguments and environment', async () => {
      const exit = await script(`${SEND} send('hello from ' + process.env.URL).then((text) => console.log(String(text), address));`, {
        env: { URL: `http://${RELAY}/v1 ${RELAY}` },
      });
      expect(exit).toMatchObject({ ended: 'exited', exitCode: 0 });
      const [, port] = /127\.0\.0\.1:(\d+)\n$/.exec(exit.output) ?? [];
      const url = `http://127.0.0.1:${port}/v1 127.0.0.1:${port}`;
      expect(exit.output).toBe(`${`hello from ${url}`.toUpperCase()} 127.0.0.1:${port}\n`);
      expect(String(got)).toBe(`hello from ${url}`);
    });

    it('carries many at once, whole, however large and slow', async () => {
      const lines = `${SEND}
        const texts = Array.from({ length: 20 }, (_, k) => Buffer.alloc(k * 200_000, 'abcdefg' + k));
        Promise.all(texts.map(send)).then((answers) => {
          console.log(answers.filter((answer, k) => answer.equals(Buffer.from(String(texts[k]).toUpperCase()))).length);
        });`;
      expect((await script(lines)).output).toBe('20\n');
      expect(got.length).toBe(20);
    });

    it('gives the program the environment of the contract and nothing more', async () => {
      const lines = `fs.writeFileSync('env.json', JSON.stringify(process.env));`;
      await script(lines, { env: { KEY: 'pass' }, mark: 'the-mark' });
      const { PWD: _, ...env } = JSON.parse(readFileSync(join(place.workspace, 'env.json'), 'utf8'));
      const TMPDIR = kind === 'bubblewrap' ? '/tmp' : join(place.home, 'tmp');
      expect(env).toEqual({ PATH, HOME: place.home, LANG: 'C.UTF-8', TERM: 'dumb', TMPDIR, KEY: 'pass', AGENTOS_RUN: 'the-mark' });
    });

    it('starts whatever the environment of the program tells Node', async () => {
      const env = { NODE_OPTIONS: '--require /nowhere/hook.cjs', NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: `http://${RELAY}` };
      const exit = await run(['sh', '-c', 'echo "$NODE_OPTIONS $NODE_USE_ENV_PROXY $HTTPS_PROXY"'], { env });
      expect(exit.output).toMatch(/^--require \/nowhere\/hook\.cjs 1 http:\/\/127\.0\.0\.1:\d+\n$/);
    });

    it('adds nothing to what the program reads and prints', async () => {
      const exit = await run(['sh', '-c', 'cat; printf end'], { stdin: '€ in' });
      expect(exit.output).toBe('€ inend');
      expect(readFileSync(place.transcript, 'utf8')).toBe('€ inend');
    });

    it('shows stdout alone to whoever listens, and both in the transcript', async () => {
      const chunks: Buffer[] = [];
      const exit = await run(['sh', '-c', 'echo out; echo err >&2; echo more'], { onStdout: (chunk) => chunks.push(chunk) });
      expect(String(Buffer.concat(chunks))).toBe('out\nmore\n');
      expect(exit.output.split('\n').sort()).toEqual(['', 'err', 'more', 'out']);
    });

    it.each([
      ['sh -c "exit 3"', ['sh', '-c', 'exit 3'], 3],
      ['a signal', ['sh', '-c', 'kill -9 $$'], 137],
      ['a program that is not there', ['/nowhere/agent'], 127],
      ['a program that cannot run', ['/etc/passwd'], 126],
    ])('ends as %s does', async (_, argv, exitCode) => {
      expect(await run(argv)).toMatchObject({ ended: 'exited', exitCode });
    });
  });
});

describe.each(DRIVERS)('$kind', ({ kind, there }) => {
  describe.skipIf(!there)('ends with a gateway', () => {
    beforeEach(() => open(kind));

    it('lets a program use the grace, and calls no signal an exit status', async () => {
      const polite = await run(['sh', '-c', 'trap "echo bye; exit 0" TERM; while :; do sleep 0.05; done'], { timeoutMs: 500 });
      expect(polite.ended).toBe('timeout');
      expect(polite.output).toContain('bye\n');
      expect(await run(['sleep', '60'], { timeoutMs: 500 })).toMatchObject({ ended: 'timeout', exitCode: null });
    });

    it('leaves neither relay nor port nor daemon, and cuts what was being said', async () => {
      const lines = `
        const { spawn } = require('node:child_process');
        spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }).unref();
        net.connect(Number(port), host, () => { console.log(port); process.exit(0); });`;
      const closed = new Promise<void>((resolve) => gateway.once('connection', (connection) => connection.on('close', () => resolve())));
      const exit = await script(lines);
      expect(exit).toMatchObject({ ended: 'exited', exitCode: 0 });
      await closed;
      expect(findRun({ mark })).toEqual([]);
      expect(await connects(Number(exit.output))).toBe(false);
    });

    it('ends when the program kills the relay', async () => {
      const exit = await run(['sh', '-c', 'kill -9 $PPID; sleep 60']);
      expect(exit.ended).toBe('exited');
      expect(exit.exitCode).not.toBe(0);
      expect(exit.durationMs).toBeLessThan(10_000);
      expect(findRun({ mark })).toEqual([]);
    });

    it('gives a closed connection where the gateway is gone, and lets the program go on', async () => {
      gateway.close();
      await new Promise((resolve) => gateway.once('close', resolve));
      writeFileSync(socket, '');
      const lines = `net.connect(Number(port), host).on('error', () => {}).on('close', () => console.log('closed')).resume();`;
      expect(await script(lines)).toMatchObject({ exitCode: 0, output: 'closed\n' });
    });
  });
});

describe.skipIf(!hasBwrap)('bubblewrap with a gateway', () => {
  beforeEach(() => open('bubblewrap'));

  it('shows the socket alone of its directory, and not to be written', async () => {
    const dir = join(place.root, 'gateway');
    writeFileSync(join(dir, 'key'), 'secret');
    const lines = `
      const works = (act) => { try { act(); return true; } catch { return false; } };
      const touched = [() => fs.unlinkSync('${socket}'), () => fs.chmodSync('${socket}', 0o777)].map(works);
      console.log(JSON.stringify([fs.readdirSync('${dir}'), touched]));
      fs.writeFileSync('${dir}/left', '');`;
    expect((await script(lines)).output).toBe('[["model.sock"],[false,false]]\n');
    // What is made beside it inside lies in the /tmp of the run.
    expect(readdirSync(dir).sort()).toEqual(['key', 'model.sock']);
  });

  it('still denies every other way out', async () => {
    let came = 0;
    const other = createServer((connection) => {
      came++;
      connection.destroy();
    });
    await new Promise<void>((resolve) => other.listen(0, '0.0.0.0', resolve));
    const { port } = other.address() as { port: number };
    const lines = `
      const tries = [['127.0.0.1', ${port}], ['1.1.1.1', 53], ['169.254.169.254', 80]];
      Promise.all(tries.map(([host, port]) => new Promise((resolve) => {
        const socket = net.connect({ host, port, timeout: 2000 });
        socket.on('connect', () => resolve('open')).on('timeout', () => resolve('timeout')).on('error', (error) => resolve(error.code));
      }))).then((ends) => {
        console.log(JSON.stringify([ends, Object.keys(require('node:os').networkInterfaces())]));
        process.exit();
      });`;
    const exit = await script(lines);
    other.close();
    expect(JSON.parse(exit.output)).toEqual([['ECONNREFUSED', 'ENETUNREACH', 'ENETUNREACH'], ['lo']]);
    expect(came).toBe(0);
  });
});

/** Whether anybody listens on that port of the host's loopback. */
function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(port, '127.0.0.1', () => {
      connection.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}
