/** Prints what a run of the matrix saw: the code of each attempt and its seconds, by fault and agent. */
import { readFileSync } from 'node:fs';
import { FAULTS } from './outcomes.ts';

interface Row {
  agent: string;
  fault: string;
  code: string;
  seconds: number;
}

const rows = readFileSync(process.argv[2] ?? '', 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line) as Row);
const agents = [...new Set(rows.map(({ agent }) => agent))].sort();
const cell = (fault: string, agent: string) => {
  const row = rows.find((one) => one.fault === fault && one.agent === agent);
  return row ? `${row.code} ${row.seconds.toFixed(1)} s` : '-';
};
const table = [['fault', ...agents], ...Object.keys(FAULTS).map((fault) => [fault, ...agents.map((agent) => cell(fault, agent))])];
const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
for (const row of table)
  console.log(
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
