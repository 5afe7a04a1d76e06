/**
 * What the schema cannot say: rules across keys, and rules about places. They
 * read the value as it was written and pass over parts of the wrong type, so
 * that their findings stand beside the schema's. Links are followed as they lie
 * now; whoever mounts a path looks again when it does.
 */
import { nearest } from '../text.ts';
import { DEFAULT_STATE_DIR } from './paths.ts';
import type { Path, Problem } from './problem.ts';
import { findProjectProblems } from './project-rules.ts';
import { containsPath, expandPath, followLinks, type Places } from './resolve.ts';
import { childOf, either } from './shape.ts';

/** Everything that a rule across keys or about places forbids, in no particular order. */
export function findRuleProblems(value: unknown, places: Places): Problem[] {
  return [
    ...findRoutingProblems(value),
    ...findBudgetProblems(value),
    ...findRepeatedRepos(value),
    ...findLocalOnly(value),
    ...findFastWrites(value),
    ...findProjectProblems(value),
    ...findPathProblems(value, places),
  ];
}

function findRoutingProblems(value: unknown): Problem[] {
  return Object.entries(asObject(childOf(value, 'routing'))).flatMap(([type, chain]) =>
    asList(chain).flatMap((agent, index): Problem[] => {
      if (typeof agent !== 'string' || agent === '') return [];
      const what = whyNoAgent(agent, value);
      return what === undefined ? [] : [{ path: ['routing', type, index], what }];
    }),
  );
}

function findBudgetProblems(value: unknown): Problem[] {
  const budgets = childOf(value, 'budgets');
  return ['per_agent_month_usd', 'per_agent_day_runs'].flatMap((key) =>
    Object.keys(asObject(childOf(budgets, key))).flatMap((agent): Problem[] => {
      const what = whyNoAgent(agent, value);
      return what === undefined ? [] : [{ path: ['budgets', key, agent], atKey: true, what }];
    }),
  );
}

function whyNoAgent(name: string, value: unknown): string | undefined {
  const agents = Object.keys(asObject(childOf(value, 'agents')));
  if (agents.includes(name)) return undefined;
  const guess = nearest(name, agents);
  const remedy = guess === undefined ? `defined: ${either(agents.map((known) => `\`${known}\``))}` : `did you mean \`${guess}\`?`;
  return `no agent of this name under \`agents\`; ${remedy}`;
}

/** GitHub and the directories on disk do not tell names apart by case. */
function findRepeatedRepos(value: unknown): Problem[] {
  const seen = new Map<string, number>();
  return asList(childOf(value, 'repos')).flatMap((repo, index): Problem[] => {
    const name = childOf(repo, 'name');
    if (typeof name !== 'string') return [];
    const first = seen.get(name.toLowerCase());
    if (first !== undefined)
      return [{ path: ['repos', index, 'name'], what: `the same repository as repos[${first}]; remove one of them` }];
    seen.set(name.toLowerCase(), index);
    return [];
  });
}

/** `agentos local ci` runs checks on the local forge alone; elsewhere nothing would ever run them. */
function findLocalOnly(value: unknown): Problem[] {
  if (childOf(childOf(value, 'forge'), 'kind') !== 'github') return [];
  return asList(childOf(value, 'repos')).flatMap((repo, index): Problem[] => {
    const isEmpty = [undefined, null].includes(childOf(repo, 'local_ci') as undefined) || asList(childOf(repo, 'local_ci')).length === 0;
    const what = 'only for `forge.kind: local`; GitHub runs the checks of its repositories itself; remove the key';
    return isEmpty ? [] : [{ path: ['repos', index, 'local_ci'], atKey: true, what }];
  });
}

/** What GitHub allows, https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api; a server of your own has its own settings. */
const MOST_WRITES = { per_minute: 80, per_hour: 500 } as const;

function findFastWrites(value: unknown): Problem[] {
  const forge = childOf(value, 'forge');
  const api = childOf(forge, 'api_url') ?? 'https://api.github.com';
  if (childOf(forge, 'kind') !== 'github' || typeof api !== 'string' || /\/api\/v3\/?$/.test(api)) return [];
  return Object.entries(MOST_WRITES).flatMap(([key, most]): Problem[] => {
    const written = childOf(childOf(forge, 'writes'), key);
    if (typeof written !== 'number' || written <= most) return [];
    return [{ path: ['forge', 'writes', key], what: `GitHub allows ${most}; write a whole number from 1 to ${most}` }];
  });
}

/** A path of the file: as it is written, and where it leads. */
interface Place {
  path: Path;
  key: string;
  lexical: string;
  real: string;
}

function findPathProblems(value: unknown, places: Places): Problem[] {
  const problems: Problem[] = [];
  const read = (path: Path, written: unknown): Place | undefined => {
    if (typeof written !== 'string' || written === '') return undefined;
    const lexical = expandPath(written, places);
    if (lexical !== undefined) return { path, key: path.join('.'), lexical, real: followLinks(lexical) };
    problems.push({ path, what: tildeProblem(written) });
    return undefined;
  };
  const sandbox = childOf(value, 'sandbox');
  const state = read(['state_dir'], childOf(value, 'state_dir') ?? DEFAULT_STATE_DIR);
  const root = read(['forge', 'root'], childOf(childOf(value, 'forge'), 'root'));
  const appKey = childOf(childOf(childOf(value, 'forge'), 'app'), 'private_key_file');
  const key = read(['forge', 'app', 'private_key_file'], appKey);
  const readable = asList(childOf(sandbox, 'readable')).map((written, index) => read(['sandbox', 'readable', index], written));
  for (const [name, agent] of Object.entries(asObject(childOf(value, 'agents')))) {
    const command = asList(childOf(agent, 'command'))[0];
    if (typeof command === 'string' && command.includes('/')) read(['agents', name, 'command', 0], command);
    const program = childOf(agent, 'program');
    if (typeof program === 'string' && program.includes('/')) read(['agents', name, 'program'], program);
  }

  const home = places.home === undefined ? undefined : fixedPlace('your home directory', places.home);
  const file = fixedPlace('this file', places.file);
  for (const place of [state, root].filter((known) => known !== undefined)) {
    if (home && encloses(place, home))
      problems.push({ path: place.path, what: 'must be a directory of its own, not your home directory or one above it' });
  }
  if (state && root && (encloses(state, root) || encloses(root, state))) {
    problems.push({ path: root.path, what: '`state_dir` and `forge.root` must not lie in each other; choose two separate directories' });
  }
  for (const place of readable.filter((known) => known !== undefined)) {
    const hidden = [state, root, key, home, file].find((secret) => secret && encloses(place, secret));
    const around = [state, root].find((secret) => secret && encloses(secret, place));
    if (hidden) problems.push({ path: place.path, what: `would show ${nameOf(hidden)} to agents; name a narrower path` });
    else if (around) problems.push({ path: place.path, what: `lies in ${nameOf(around)}, which agents must not see; remove it` });
  }
  return problems;
}

function tildeProblem(written: string): string {
  const own = written === '~' || written.startsWith('~/');
  return own ? '`~` needs HOME, which is not set; write an absolute path' : '`~user` is not available; write an absolute path';
}

function fixedPlace(key: string, path: string): Place {
  return { path: [], key, lexical: path, real: followLinks(path) };
}

function nameOf(place: Place): string {
  return place.path.length === 0 ? place.key : `\`${place.key}\``;
}

function encloses(outer: Place, inner: Place): boolean {
  return containsPath(outer.lexical, inner.lexical) || containsPath(outer.real, inner.real);
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
