/** The writes by which `dispatch` files the parts of an issue that is too large. */
import { splitEpic } from '../../../../src/commands/dispatch/split-epic.ts';
import type { Ports } from '../../../../src/core/ports.ts';
import { type Case, openIssue, taskOf, type Write } from './arrange-write.ts';
import { type Passes, REPO } from './passes.ts';

async function epic(at: Passes): Promise<{ parent: number; run: Case['run']; parts: () => number[] }> {
  const parent = openIssue(at);
  const part = { type: 'implementation' as const, goal: 'goal', success_criteria: [] };
  const [one, two] = [`Part one of ${parent}`, `Part two of ${parent}`];
  const parts = [
    { ...part, title: one, after: [] },
    { ...part, title: two, after: [0] },
  ];
  const task = taskOf(parent, { refine: 'split', parts, attempts: [] });
  await (await at.pass().mailbox()).submit(task, 'text');
  const run = async (ports: Ports) => {
    const [repo] = ports.config.repos;
    const letter = await at.letter(ports, task.id);
    if (repo && letter.task.parts) await splitEpic(ports, repo, letter);
  };
  const found = () => [...at.server.repo(REPO).issues.values()].filter(({ title }) => [one, two].includes(title));
  return { parent, run, parts: () => found().map(({ number }) => number) };
}

const ISSUES = /^\/repos\/acme\/shop\/issues$/;
const LABELS = /^\/repos\/acme\/shop\/issues\/\d+\/labels$/;

export const EPIC_WRITES: Record<string, Write> = {
  'the parts of an epic': {
    request: { method: 'POST', path: ISSUES },
    arrange: async (at) => {
      const { run, parts } = await epic(at);
      return { run, happened: () => parts().length / 2 };
    },
  },
  'a part of an issue': {
    request: { method: 'POST', path: /\/sub_issues$/ },
    asked: false,
    arrange: async (at) => {
      const { run, parent } = await epic(at);
      return { run, happened: () => at.server.issue(REPO, parent).subIssueIds.length / 2 };
    },
  },
  'a dependency': {
    request: { method: 'POST', path: /\/dependencies\/blocked_by$/ },
    asked: false,
    arrange: async (at) => {
      const { run, parts } = await epic(at);
      const blocked = () => parts().flatMap((number) => at.server.issue(REPO, number).blockedByIds);
      return { run, happened: () => blocked().length };
    },
  },
  'the labels that make parts ready': {
    request: { method: 'POST', path: LABELS },
    arrange: async (at) => {
      const { run, parts } = await epic(at);
      return { run, happened: () => parts().reduce((sum, number) => sum + at.events(number, 'labeled', 'ready'), 0) / 2 };
    },
  },
};
