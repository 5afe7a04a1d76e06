/** The agent pool as users write it. Pure. */
import * as z from 'zod';
import { PROVIDERS } from '../agents/api/api-kind.ts';
import { CLI_KINDS, type CliKindName } from '../agents/cli/cli-kinds.ts';
import { line, modelUrl, secretEnv, text } from './fields.ts';

z.config({ jitless: true });

const minutes = z
  .number()
  .positive()
  .max(24 * 60);

const agentLimits = {
  timeout_minutes: minutes.default(45).describe('Longest run, in minutes; fractions are fine.'),
  silence_minutes: minutes.default(10).describe('Longest time without any output, in minutes, before the run counts as stalled.'),
};

const modelAccess = {
  base_url: modelUrl.optional().describe("Another address than the provider's own, for a proxy or a server that speaks its protocol."),
  max_turns: z.number().int().min(1).max(1000).default(100).describe('Most turns of one run; the requests to its model are limited by it.'),
};

const cliAgent = (kind: CliKindName) =>
  z.strictObject({
    kind: z.literal(kind).describe(CLI_KINDS[kind].about),
    model: line.max(200).describe('The name of the model, as the program takes it.'),
    key_env: secretEnv
      .default(CLI_KINDS[kind].keyEnv)
      .describe('Name of the environment variable that holds the key; the agent never sees the key itself.'),
    program: line
      .default(CLI_KINDS[kind].program)
      .describe('The program: a name on PATH, or a path; a relative one with `/` is relative to this file.'),
    ...modelAccess,
    ...agentLimits,
  });

const tokens = z.number().int().min(10_000);

const apiAgent = z.strictObject({
  kind: z.literal('api').describe('Our own coding loop, for a key and no program.'),
  provider: z.enum(PROVIDERS).describe('Whose model it is, and so which protocol is spoken.'),
  model: line.max(200).describe('The name of the model, as the provider writes it.'),
  key_env: secretEnv.describe('Name of the environment variable that holds the key; the agent never sees the key itself.'),
  ...modelAccess,
  max_tokens: tokens.max(1_000_000_000).default(20_000_000).describe('Most tokens of one run, in and out, those from a cache too.'),
  context_tokens: tokens
    .max(10_000_000)
    .default(120_000)
    .describe('Most tokens of one conversation; beyond them what tools gave long ago is left out. Less than the model takes.'),
  max_output_tokens: z
    .number()
    .int()
    .min(1000)
    .max(1_000_000)
    .optional()
    .describe('Most tokens of one answer, thought included; by provider when left out (8192 to 32000).'),
  ...agentLimits,
});

export const Agent = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('patch').describe('No model: applies the diff or the files given in the issue.'),
    ...agentLimits,
  }),
  z.strictObject({
    kind: z.literal('command').describe('Any program that honours the agent contract (docs/agents.md).'),
    command: z.array(text).min(1).describe('The program and its arguments; a relative path is relative to this file.'),
    ...agentLimits,
  }),
  ...(Object.keys(CLI_KINDS) as CliKindName[]).map(cliAgent),
  apiAgent,
]);
