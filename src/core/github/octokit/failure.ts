/**
 * Refusals whose words tell that the world moved, or that two sides conflict:
 * that is a `conflict`, and looking again helps; whatever else forbids it is
 * `refused`. Pure.
 */
import { AgentOsError } from '../../errors.ts';

const WORDS = [
  /\b(?:head|base) (?:branch|ref|sha) (?:was|has been) modified/i,
  /expected[ _]head|head (?:sha|oid|ref)?\s?(?:didn't|did not|does not|doesn't) match/i,
  /merge conflict|conflicts? (?:must|need|with|between)|not mergeable|cannot be (?:cleanly )?(?:merged|rebased)/i,
] as const;

/** The error of a request about merging; GitHub's words decide where its status does not. */
export function asMergeError(error: unknown): unknown {
  if (!(error instanceof AgentOsError && error.code === 'refused' && saysConflict(error.message))) return error;
  return new AgentOsError('conflict', error.message, { hint: error.hint, cause: error });
}

/** @param text what GitHub said when it gave a merge up */
export function mergeFailed(name: string, text: string): AgentOsError {
  const message = `GitHub did not merge ${name}: ${text.slice(0, 500)}`;
  if (saysConflict(text)) return new AgentOsError('conflict', message);
  return new AgentOsError('refused', message, { hint: 'Look at the rules of the branch on GitHub.' });
}

function saysConflict(text: string): boolean {
  return WORDS.some((words) => words.test(text));
}
