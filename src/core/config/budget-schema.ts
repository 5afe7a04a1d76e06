/** Limits on money and runs, and prices, as users write them. Pure. */
import * as z from 'zod';
import { line, name } from './fields.ts';

z.config({ jitless: true });

const usd = z.number().positive().max(1_000_000);
const price = z.number().min(0).max(100_000);

export const Budgets = z.strictObject({
  per_task_usd: usd
    .optional()
    .describe(
      'Most that all attempts of one task may cost, and what `models` are asked about it, in US dollars; beyond it a person must decide.',
    ),
  per_day_usd: usd
    .optional()
    .describe('Most that all runs of one day (UTC) may cost, and what `models` are asked; beyond it tasks wait for the next day.'),
  per_run_usd: usd.optional().describe('Most that one run may cost, and what it reserves; 5 where another of these limits is set.'),
  per_agent_month_usd: z
    .record(name, usd)
    .default({})
    .describe('Most that the runs of an agent may cost in a month (UTC), by the name of the agent.'),
  per_agent_day_runs: z
    .record(name, z.number().int().min(1).max(100_000))
    .default({})
    .describe('Most runs of an agent in a day (UTC), by its name: for those whose cost nobody can tell.'),
});

export const Prices = z.record(
  line.max(200),
  z.strictObject({
    input: price.describe('US dollars for a million tokens that are asked anew.'),
    cache_read: price.optional().describe('For a million that come from a cache; default: as `input`.'),
    cache_write: price.optional().describe('For a million that are written to one; default: as `input`.'),
    output: price.describe('For a million that are answered.'),
  }),
);
