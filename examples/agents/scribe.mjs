#!/usr/bin/env node
// A `kind: command` agent without a model: it documents every exported function
// of src/*.js that has no comment yet, and reports as docs/agents.md asks. It
// shows all that a program needs to be an agent: work in the current directory,
// then leave `.agent_result.md`.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const documented = [];
for (const name of readdirSync('src').filter((file) => file.endsWith('.js'))) {
  const path = `src/${name}`;
  const before = readFileSync(path, 'utf8');
  const after = before.replace(/(^|\n)(?<!\*\/\n)export function (\w+)\(([^)]*)\)/g, (match, start, fn, params) => {
    documented.push(`${path}: ${fn}`);
    const lines = params
      .split(',')
      .map((param) => param.trim().split(/[ =]/)[0])
      .filter((param) => /^\w+$/.test(param))
      .map((param) => ` * @param ${param}`);
    return `${start}/**\n${[` * ${sentence(fn)}`, ...lines].join('\n')}\n */\n${match.slice(start.length)}`;
  });
  if (after !== before) writeFileSync(path, after);
}

writeFileSync(
  process.env.AGENTOS_RESULT_FILE ?? '.agent_result.md',
  documented.length > 0
    ? result('complete', 'none', `Documented ${documented.length} exported functions.`, documented)
    : result('blocked', 'missing_context', 'Every exported function is documented; there is nothing else I can do.', []),
);

/** `addItem` → `Add item.` */
function sentence(name) {
  const words = name.replace(/([A-Z])/g, ' $1').toLowerCase();
  return `${words[0].toUpperCase()}${words.slice(1)}.`;
}

function result(status, code, summary, done) {
  return `STATUS: ${status}
BLOCKER_CODE: ${code}

SUMMARY:
${summary}

DONE:
${done.map((one) => `- ${one}`).join('\n') || '- none'}
DECISIONS:
- One line of description and one line a parameter; no types, the project has none.
RISKS:
- none
`;
}
