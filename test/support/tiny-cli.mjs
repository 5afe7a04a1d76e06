#!/usr/bin/env node
// The agent of `docs/agents.md`, "Add an agent": tiny --model M --base-url URL, the prompt on stdin.
import { readFileSync, writeFileSync } from 'node:fs';

const option = (name) => process.argv[process.argv.indexOf(name) + 1];
const response = await fetch(`${option('--base-url')}/chat/completions`, {
  method: 'POST',
  headers: { authorization: `Bearer ${process.env.TINY_KEY}`, 'content-type': 'application/json' },
  body: JSON.stringify({ model: option('--model'), messages: [{ role: 'user', content: readFileSync(0, 'utf8') }] }),
});
const { choices } = await response.json();
writeFileSync('said.txt', choices[0].message.content);
console.log(JSON.stringify({ done: true }));
