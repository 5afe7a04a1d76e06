/** The tools as the model sees them, and the check of what it gives. Pure. */
import * as z from 'zod';
import { cleanLine } from '../../text.ts';
import type { ToolForm } from './chat-model.ts';
import type { ToolCall } from './conversation.ts';

/** Seconds of `run`: without a word about it, and at most. */
export const RUN_SECONDS = { usual: 120, most: 600 };

const path = z.string().min(1).max(4096);
const SCHEMAS = {
  list: z.object({ path: path.describe('Directory; the working directory when left out').optional() }),
  read: z.object({
    path: path.describe('File'),
    from: z.int().min(1).describe('First line, counted from 1').optional(),
    lines: z.int().min(1).describe('How many lines').optional(),
  }),
  search: z.object({
    pattern: z.string().min(1).max(1000).describe('JavaScript regular expression, matched line by line; (?i) in front ignores case'),
    path: path.describe('File or directory; the working directory when left out').optional(),
  }),
  edit: z.object({
    path: path.describe('File that exists'),
    old: z.string().min(1).describe('Text that stands in the file exactly once, with its white space'),
    new: z.string().describe('Text that takes its place'),
  }),
  write: z.object({ path: path.describe('File; its directories are made'), content: z.string().describe('The whole content') }),
  run: z.object({
    command: z
      .string()
      .min(1)
      .max(100_000)
      .refine((text) => !text.includes('\0'), 'a command holds no NUL')
      .describe('For /bin/sh, in the working directory'),
    timeout_seconds: z
      .int()
      .min(1)
      .max(RUN_SECONDS.most)
      .describe(`${RUN_SECONDS.usual} when left out, at most ${RUN_SECONDS.most}`)
      .optional(),
  }),
};

type ToolName = keyof typeof SCHEMAS;
export type ToolInput<Name extends ToolName> = z.infer<(typeof SCHEMAS)[Name]>;
/** A call whose input keeps the schema. */
export type CheckedCall = { [Name in ToolName]: { tool: Name; input: ToolInput<Name> } }[ToolName];

const DESCRIPTIONS: Record<ToolName, string> = {
  list: 'Lists files below a directory, the nearest first. Leaves out .git and node_modules.',
  read: 'Reads a text file, or a part of it.',
  search: 'Finds lines that match in text files. Leaves out .git and node_modules.',
  edit: 'Replaces one piece of a file. Read the file first.',
  write: 'Writes a whole file, new or in place of the old one. Prefer edit for a change of a file that exists.',
  run: 'Runs a shell command, such as the tests. There is no network and no input, and what it leaves in the background is ended.',
};

export const TOOL_FORMS: readonly ToolForm[] = (Object.keys(SCHEMAS) as ToolName[]).map((name) => {
  const { type, properties, required = [] } = z.toJSONSchema(SCHEMAS[name], { io: 'input' });
  return { name, description: DESCRIPTIONS[name], input: { type, properties, required } };
});

/** The call, or what to tell the model about it. */
export function checkCall({ tool, input, problem }: ToolCall): { call: CheckedCall } | { problem: string } {
  if (!Object.hasOwn(SCHEMAS, tool)) {
    return { problem: `there is no tool \`${cleanLine(tool, 40)}\`; there are: ${Object.keys(SCHEMAS).join(', ')}` };
  }
  if (problem !== undefined) return { problem: `${problem}; call ${tool} again, with shorter texts if the answer was cut off` };
  const checked = SCHEMAS[tool as ToolName].safeParse(input);
  if (checked.success) return { call: { tool, input: checked.data } as CheckedCall };
  const words = checked.error.issues.map((issue) => `${issue.path.join('.') || 'input'}: ${issue.message}`);
  return { problem: `the input of ${tool} is wrong: ${cleanLine(words.join('; '), 500)}` };
}
