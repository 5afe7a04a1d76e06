/**
 * The model server as a process of its own, to try a program by hand:
 * `npx tsx test/support/model-server-main.ts [--script coding|endless|idle] [--fault NAME] [--port N]`.
 * Writes `{url}` as one line of JSON when it listens, a line for every request to
 * standard error, and ends with its standard input.
 */
import { parseArgs } from 'node:util';
import { codingScript, endlessScript, IDLE_SCRIPT } from './coding-script.ts';
import { openModelServer, type Script, type ScriptedReply, withFaults } from './model-server.ts';

const { values } = parseArgs({
  options: {
    script: { type: 'string', default: 'coding' },
    fault: { type: 'string' },
    port: { type: 'string', default: '0' },
  },
});
const SCRIPTS: Record<string, Script> = {
  coding: codingScript({ files: { 'src/hello.txt': "hello, it's done\n" }, run: ['ls'] }),
  endless: endlessScript(),
  idle: IDLE_SCRIPT,
};
const script = SCRIPTS[values.script];
if (!script) throw new Error(`no script ${values.script}; there are: ${Object.keys(SCRIPTS).join(', ')}`);

const server = await openModelServer(
  withFaults(script, ({ number, path, keyIn, stream, tools, results }) => {
    process.stderr.write(
      `${JSON.stringify({ number, path, keyIn, stream, tools, results: results.map(({ name, text }) => [name, text]) })}\n`,
    );
    return values.fault === undefined ? undefined : ({ fault: values.fault } as ScriptedReply);
  }),
  Number(values.port),
);
process.stdout.write(`${JSON.stringify({ url: server.url })}\n`);
process.stdin.resume();
process.stdin.on('end', () => {
  if (server.beside.length > 0) process.stderr.write(`${JSON.stringify({ beside: server.beside })}\n`);
  void server.close();
});
