/** The labels of Agent OS and what they mean (docs/contracts.md, "On the forge"). Pure. */
import type { Tray } from '../mailbox/mailbox.ts';

/** A person stops everything for an issue or a pull request. */
export const HOLD = 'hold';

/** Every label that projects a tray starts with this. */
export const OWN_PREFIX = 'agentos:';

/** Whether this is a column of a project that stands in the place of a label. */
export function isColumn(label: string): boolean {
  return /^project \d+:/i.test(label);
}

const STATUS: Partial<Record<Tray, string>> = {
  inbox: 'agentos:queued',
  processing: 'agentos:running',
  review: 'agentos:review',
  escalated: 'agentos:needs-human',
};

/** All of them. */
export const STATUS_LABELS: readonly string[] = Object.values(STATUS);

/** The one status label of a task in this tray; `undefined` for `done` and `failed`. */
function statusLabel(tray: Tray): string | undefined {
  return STATUS[tray];
}

/** Labels of ours to put on and to take off, so that exactly the one for the tray stands. */
export function decideLabels(current: readonly string[], tray: Tray | undefined): { add: string[]; remove: string[] } {
  const wanted = tray && statusLabel(tray);
  return {
    add: wanted !== undefined && !current.includes(wanted) ? [wanted] : [],
    remove: current.filter((label) => STATUS_LABELS.includes(label) && label !== wanted),
  };
}
