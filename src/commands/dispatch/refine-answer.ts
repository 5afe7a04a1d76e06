/**
 * What a model may say about an issue, and what follows from it. The answer is
 * a proposal: it fills sections of text, may say that a person must decide or
 * that the issue is too large, and decides nothing that a trusted label
 * decided. Ids, branches, labels, agents and checks are not in it. Pure.
 */
import * as z from 'zod';
import type { ConfigFile } from '../../core/config/schema.ts';
import type { Hints } from '../../core/github/readiness.ts';
import { type Part, PRIORITIES, TASK_TYPES } from '../../core/mailbox/task.ts';
import { type Classification, classify } from './classify.ts';
import { quietLine, quietParagraphs } from './refine-text.ts';

z.config({ jitless: true });

const sentence = z.string().trim().min(1).max(500);
const sentences = z.array(sentence).max(12);
const goal = z.string().trim().min(1).max(2500);
const type = z.enum(TASK_TYPES);

const Child = z.strictObject({
  title: z.string().trim().min(1).max(150),
  goal,
  success_criteria: sentences.default([]),
  type,
  after: z.array(z.number().int().min(0).max(7)).max(7).default([]),
});

export const RefineAnswer = z
  .strictObject({
    kind: z.enum(['task', 'needs_person', 'epic']),
    type,
    goal,
    success_criteria: sentences.default([]),
    constraints: sentences.default([]),
    context: z.string().trim().max(3000).default(''),
    questions: z.array(sentence).max(5).default([]),
    children: z.array(Child).max(8).default([]),
    priority: z.enum(PRIORITIES).optional(),
    reason: sentence,
  })
  .superRefine((answer, context) => {
    const complain = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
    if (answer.kind === 'needs_person' && answer.questions.length === 0) complain(['questions'], 'ask at least one question');
    if (answer.kind === 'epic' && answer.children.length < 2) complain(['children'], 'name 2 to 8 children');
    for (const [index, child] of answer.children.entries()) {
      if (child.after.some((other) => other >= index)) complain(['children', index, 'after'], 'name only earlier children');
    }
  });
export type RefineAnswer = z.infer<typeof RefineAnswer>;

export type Refinement =
  | { kind: 'text'; classification: Classification }
  | { kind: 'ask'; note: string }
  | { kind: 'split'; parts: Part[] };

export interface RefineFacts {
  title: string;
  /** What trusted people said by labels: it wins over the model. */
  hints: Hints;
  config: Pick<ConfigFile, 'routing' | 'agents'>;
  /** False for a part of an earlier split, for what was split before, and where `dispatch.split_epics` is off. */
  maySplit: boolean;
  readyLabel: string;
}

export function decideRefinement(answer: RefineAnswer, facts: RefineFacts): Refinement {
  if (answer.kind === 'needs_person') return { kind: 'ask', note: renderQuestions(answer, facts.readyLabel) };
  if (answer.kind === 'epic' && facts.maySplit) return { kind: 'split', parts: answer.children.map(toPart) };
  return { kind: 'text', classification: classify(facts.title, mergeHints(answer, facts.hints), facts.config) };
}

/** A type or priority that a trusted label set stays; the model's fills the gap. */
function mergeHints(answer: RefineAnswer, hints: Hints): Hints {
  const trusted = TASK_TYPES.some((known) => known === hints.type);
  const priority = hints.priority ?? (answer.priority === 'normal' ? undefined : answer.priority);
  return { ...hints, type: trusted && hints.type !== undefined ? hints.type : answer.type, ...(priority !== undefined && { priority }) };
}

function renderQuestions({ reason, questions }: RefineAnswer, label: string): string {
  const list = questions.map((question, index) => `${index + 1}. ${quietLine(question, 600)}`).join('\n');
  return `A decision is missing: ${quietLine(reason, 600)}\n\n${list}\n\nAnswer in the text of the issue, then take \`${label}\` off and put it on again.`;
}

function toPart({ title, goal, success_criteria, type, after }: z.infer<typeof Child>): Part {
  return {
    title: quietLine(title, 200),
    type,
    goal: quietParagraphs(goal),
    success_criteria: success_criteria.map((criterion) => quietLine(criterion)),
    after: [...new Set(after)].sort((a, b) => a - b),
  };
}
