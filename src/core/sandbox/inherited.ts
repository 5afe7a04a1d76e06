/**
 * Descriptors that whoever started us left open: a confined program that got
 * one could use what no mount shows. Node marks those that follow each other to
 * be closed at the start of a program, and its own; one with a high number
 * slips through, as shells and supervisors use them.
 */
import { closeSync, readdirSync, readFileSync } from 'node:fs';

const CLOSED_AT_START = 0o2000000;

/** Closes every descriptor beyond the standard ones that a program started by us would get. */
export function closeInherited(): void {
  for (const descriptor of listDescriptors()) {
    if (descriptor > 2 && isInherited(descriptor)) closeSync(descriptor);
  }
}

function listDescriptors(): number[] {
  try {
    return readdirSync('/proc/self/fd').map(Number);
  } catch {
    return [];
  }
}

function isInherited(descriptor: number): boolean {
  try {
    const [, flags = ''] = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')) ?? [];
    return flags !== '' && (Number.parseInt(flags, 8) & CLOSED_AT_START) === 0;
  } catch {
    // Closed meanwhile: it was the one that listed them.
    return false;
  }
}
