/**
 * What must hold of the whole system between two passes, and at any instant of
 * a crash (docs/reliability.md, "Invariants"). Decides nothing else, and
 * mends nothing. I14, that a person's action is never undone, cannot be seen in
 * a snapshot; I8 and I11-I13 are judged elsewhere. Pure.
 */
import { checkBudget } from './budget-invariants.ts';
import { checkForge } from './forge-invariants.ts';
import { checkMailbox } from './mailbox-invariants.ts';
import type { Finding, FsckSnapshot } from './snapshot.ts';

/** Every breach, errors first, then by invariant and subject. */
export function checkInvariants(snapshot: FsckSnapshot): Finding[] {
  const findings = [...checkMailbox(snapshot), ...checkForge(snapshot), ...checkBudget(snapshot)];
  return findings.sort((a, b) => compare(orderOf(a), orderOf(b)));
}

function orderOf({ severity, invariant, subject, what }: Finding): string {
  return [severity, invariant.slice(1).padStart(2, '0'), subject, what].join('\n');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
