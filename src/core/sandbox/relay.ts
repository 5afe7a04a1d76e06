/**
 * The one door of a confined program: a small program of ours that starts it
 * and carries connections from a loopback port inside to a Unix socket of the
 * host. A program that speaks TCP alone so reaches a gateway while its network
 * namespace holds nothing but that port. It runs inside, with the rights of the
 * program and no knowledge of its own, so there is nothing to gain from it.
 */
import { RELAY, type SandboxRun } from './sandbox.ts';

export interface Door {
  /** What becomes `host:port` in the program's arguments and environment. */
  name: string;
  /** Absolute path of the Unix socket, the same inside. */
  socket: string;
}

/**
 * Starts the program in `process.argv` when every door is open, and ends as it
 * ends: its exit status, or 128 and the number of the signal. Says nothing on
 * stdout. Plain JavaScript, for it is given to `node -e`.
 */
const SCRIPT = `
const net = require('node:net'), { spawn } = require('node:child_process'), { signals } = require('node:os').constants;
const [told, program, ...args] = process.argv.slice(1);
const { doors, env } = JSON.parse(told);
const ports = [];
let child;
const resolve = (text) => ports.reduce((now, [name, port]) => now.replaceAll(name, '127.0.0.1:' + port), text);
const give = (words, status) => { process.stderr.write(words + '\\n'); process.exitCode = status; process.exit(); };
const carry = (from, to) => from.pipe(to).on('error', () => from.destroy());
const open = ({ name, socket }) => new Promise((done) => {
  const server = net.createServer({ allowHalfOpen: true }, (inner) => {
    const outer = net.connect({ path: socket, allowHalfOpen: true });
    carry(inner, outer);
    carry(outer, inner);
  });
  server.on('error', (error) => give('cannot open a port: ' + error.code, 125));
  server.listen(0, '127.0.0.1', () => done(ports.push([name, server.address().port])));
});
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  process.on(name, () => (child ? child.kill(name) : process.exit(128 + signals[name])));
}
Promise.all(doors.map(open)).then(() => {
  const late = Object.fromEntries(env.map(([name, value]) => [name, resolve(value)]));
  child = spawn(resolve(program), args.map(resolve), { stdio: 'inherit', env: { ...process.env, ...late } });
  child.on('error', (error) => give('cannot start ' + program + ': ' + error.code, error.code === 'ENOENT' ? 127 : 126));
  child.on('exit', (status, signal) => process.exit(status ?? 128 + signals[signal]));
});
`;

/** The door to the gateway of a run, where it has one. */
export function gatewayDoor({ gateway }: SandboxRun): Door[] {
  return gateway === undefined ? [] : [{ name: RELAY, socket: gateway }];
}

/** What to start instead of a program so that it has these doors; the program itself where there are none. */
export function throughRelay(
  program: { argv: readonly string[]; env: Readonly<Record<string, string>> },
  doors: readonly Door[],
): { argv: string[]; env: Record<string, string> } {
  if (doors.length === 0) return { argv: [...program.argv], env: { ...program.env } };
  const told = Object.entries(program.env).filter(([name, value]) => isForProgram(name, value, doors));
  const rest = Object.entries(program.env).filter(([name, value]) => !isForProgram(name, value, doors));
  const argv = [process.execPath, '-e', SCRIPT, JSON.stringify({ doors, env: told }), ...program.argv];
  return { argv, env: Object.fromEntries(rest) };
}

/** What the relay is told and does not get itself: addresses that are not known yet, and what would steer Node. */
function isForProgram(name: string, value: string, doors: readonly Door[]): boolean {
  return name.startsWith('NODE_') || doors.some((door) => value.includes(door.name));
}
