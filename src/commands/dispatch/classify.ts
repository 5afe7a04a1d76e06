/** Type, priority and agent chain of a task, from trusted labels and the title alone. Pure. */
import type { ConfigFile, TaskType } from '../../core/config/schema.ts';
import type { Hints } from '../../core/github/readiness.ts';
import { TASK_TYPES, type Task } from '../../core/mailbox/task.ts';

/** First match wins; the words are those people put into titles. */
const WORDS: [TaskType, RegExp][] = [
  ['docs', /\b(docs?|documentation|readme|changelog|docstrings?|typos?)\b/i],
  ['debugging', /\b(bugs?|fix(es|ed)?|crash(es|ed)?|broken|fails?|failing|failure|regression|wrong|error)\b/i],
  ['research', /\b(research|investigate|compare|evaluate|find out|spike)\b/i],
  ['architecture', /\b(architecture|redesign|restructure)\b/i],
  ['design', /\b(mock-?ups?|wireframes?|visual design|logo|styling)\b/i],
  ['content', /\b(blog post|article|newsletter|landing page copy)\b/i],
];

export interface Classification {
  type: TaskType;
  priority: Task['priority'];
  agents: string[];
}

/** The agent that a label asks for and the pool does not have: a slip of the pen must not pass in silence. */
export function unknownAgent({ agent }: Hints, { agents }: Pick<ConfigFile, 'agents'>): string | undefined {
  return agent === undefined || Object.hasOwn(agents, agent) ? undefined : agent;
}

export function classify(title: string, hints: Hints, config: Pick<ConfigFile, 'routing' | 'agents'>): Classification {
  const type = TASK_TYPES.find((known) => known === hints.type) ?? WORDS.find(([, words]) => words.test(title))?.[0] ?? 'implementation';
  const chain = config.routing[type] ?? config.routing.default;
  const first = hints.agent !== undefined && Object.hasOwn(config.agents, hints.agent) ? [hints.agent] : [];
  return { type, priority: hints.priority ?? 'normal', agents: [...new Set([...first, ...chain])] };
}
