#!/usr/bin/env node
// A command-line agent for tests: asks its model as often as it is told, prints
// JSON events, and does in between what the mode says.
//   fake-cli.mjs MODE   with FAKE_URL, FAKE_PASS in the environment, the prompt on stdin
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const mode = process.argv[2];
const say = (event) => console.log(JSON.stringify(event));
const ask = async (body = '{}') => {
  const response = await fetch(`${process.env.FAKE_URL}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': process.env.FAKE_PASS, 'content-type': 'application/json' },
    body,
  });
  return { status: response.status, text: await response.text() };
};

const prompt = readFileSync(0, 'utf8');
console.log('not an event');
console.log('{"half": ');
say({ type: 'start', session: 'session-1' });
switch (mode) {
  case 'good':
    writeFileSync('answer.json', (await ask()).text);
    writeFileSync(
      'seen.json',
      JSON.stringify({
        prompt,
        env: process.env,
        argv: process.argv.slice(2),
        settings: readFileSync(`${process.env.HOME}/.fake/settings.json`, 'utf8'),
        old: existsSync(`${process.env.HOME}/.fake/old`),
      }),
    );
    say({ type: 'end', ok: true });
    break;
  case 'denied':
    say({ type: 'end', ok: true, denials: ['Bash', 'Bash'] });
    break;
  case 'reaches':
    await ask('{"tools":[{"type":"web_search_20250305"}]}');
    break;
  case 'silent':
    break;
  case 'asks':
    for (let k = 0; k < 40; k++) await ask();
    say({ type: 'end', ok: true });
    break;
  case 'fails':
    await ask();
    say({ type: 'end', ok: false, why: 'the model failed' });
    process.exit(1);
    break;
  case 'claims':
    await ask();
    say({ type: 'end', ok: true });
    break;
  case 'leaves':
    for (let k = 0; k < 2; k++) await ask();
    process.exit(127);
    break;
  case 'absent':
    process.exit(127);
    break;
  case 'killed':
    process.kill(process.pid, 'SIGKILL');
    break;
}
