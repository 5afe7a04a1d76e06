/**
 * What becomes of each fault, whatever the agent: the one table behind the
 * matrix and `docs/agents.md`.
 */

export const FAULTS = {
  none: { says: 'nothing', code: 'complete' },
  key: { says: 'the key is refused (401)', code: 'provider_auth' },
  'wait named': { says: '429, to be asked again in an hour', code: 'provider_rate_limit' },
  'wait unnamed': { says: '429 without a time', code: 'provider_rate_limit' },
  'once 500': { says: '500 once, then an answer', code: 'complete' },
  overload: { says: 'overloaded (529 or 503)', code: 'provider_unavailable' },
  quota: { says: 'the account has nothing left', code: 'provider_rate_limit' },
  hang: { says: 'no answer at all', code: 'provider_unavailable' },
  stall: { says: 'a stream that stops in the middle', code: 'provider_unavailable' },
  'broken stream': { says: 'a stream that says in the middle that it failed', code: 'provider_unavailable' },
  loop: { says: 'the same tool call for ever', code: 'resource_limit' },
  'too long': { says: 'the conversation outgrows the model', code: 'resource_limit' },
  'no result': { says: 'the work is done, the result file missing', code: 'no_result' },
  echo: { says: 'the result file is the empty form', code: 'invalid_result' },
  denied: { says: 'it may not write where it wants to', code: 'no_result' },
  hostile: { says: 'the repository brings hooks, servers and variables for the agent', code: 'complete' },
  killed: { says: 'the agent is killed in the middle', code: 'no_result' },
} as const;

export type Fault = keyof typeof FAULTS;

/** The table of `docs/agents.md`. */
export function renderOutcomes(): string {
  const rows = Object.values(FAULTS).map(({ says, code }) => `| ${says} | \`${code}\` |`);
  return ['| what happens | the attempt ends with |', '|---|---|', ...rows].join('\n');
}
