/**
 * The slow path of loading: text → YAML → schema → rules → absolute paths. It
 * alone pulls in yaml and zod, and is imported only when the cache does not
 * answer.
 */
import { readDocument } from './document.ts';
import { explainIssues } from './explain.ts';
import { type PlacedProblem, type Problem, toConfigError } from './problem.ts';
import { type Places, resolveConfig } from './resolve.ts';
import { findRuleProblems } from './rules.ts';
import { Config, type LoadedConfig } from './schema.ts';

export interface ParseRequest extends Places {
  text: string;
  /** The file's name as messages show it. */
  shown: string;
}

/** @throws `config` with every problem of the file, each with its line and what to do. */
export function parseConfig(request: ParseRequest): LoadedConfig {
  const document = readDocument(request.text);
  const fail = (problems: PlacedProblem[]) => toConfigError(request.shown, problems);
  // Text that cannot be read has no shape to complain about.
  if (document.value === undefined) throw fail(document.problems);
  if (document.value === null)
    throw fail([...document.problems, { line: 1, path: [], what: 'the file is empty; make one with `agentos init`' }]);
  const parsed = Config.safeParse(document.value);
  const found: Problem[] = [
    ...(parsed.success ? [] : explainIssues(parsed.error.issues, document.value)),
    ...findRuleProblems(document.value, request),
  ];
  const problems = [...document.problems, ...firstOfEach(found).map(document.place)];
  if (problems.length > 0 || !parsed.success) throw fail(problems);
  return resolveConfig(parsed.data, request);
}

/** One complaint for each value: the first says enough. */
function firstOfEach(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ path }) => {
    const key = JSON.stringify(path);
    return !seen.has(key) && seen.add(key);
  });
}
