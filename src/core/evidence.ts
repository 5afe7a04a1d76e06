/**
 * `runs/<task>/<attempt>/evidence.json`: what the host found out about one
 * attempt. It is durable before the first write to the forge, so that a crash
 * between the two publishes the same commit instead of paying an agent again.
 */
import * as z from 'zod';
import { readIfThere, writeFileAtomic } from './atomic-file.ts';

z.config({ jitless: true });

const sha = z.string().regex(/^[0-9a-f]{40,64}$/);

const Evidence = z.looseObject({
  version: z.literal(1),
  task: z.string(),
  attempt: z.number().int(),
  agent: z.string(),
  outcome: z.enum(['complete', 'failed', 'infrastructure', 'stopped']),
  code: z.string(),
  summary: z.string(),
  base: sha,
  tree: sha.optional(),
  commit: sha.optional(),
  /** Title and body of the pull request, when one is to be opened. */
  title: z.string().optional(),
  body: z.string().optional(),
  protected: z.array(z.string()),
  /** The end of what failed, for the next agent. */
  output: z.string(),
  /** Tokens that the provider counted; `input_tokens` without what came from its cache. */
  usage: z.looseObject({ input_tokens: z.number(), output_tokens: z.number() }).optional(),
  cost_usd: z.number().optional(),
  /** When the provider may be asked again, where it said so. */
  retry_at: z.iso.datetime().optional(),
  result: z.looseObject({ decisions: z.array(z.string()), risks: z.array(z.string()), summary: z.string() }).optional(),
});
export type Evidence = z.infer<typeof Evidence>;

export function writeEvidence(dir: string, evidence: Evidence): void {
  writeFileAtomic(`${dir}/evidence.json`, `${JSON.stringify(evidence, null, 2)}\n`);
}

/** The evidence of an attempt; `undefined` when there is none or it cannot be read: then it is as if the attempt had not ended. */
export function readEvidence(dir: string): Evidence | undefined {
  const text = readIfThere(`${dir}/evidence.json`);
  if (text === undefined) return undefined;
  try {
    return Evidence.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
