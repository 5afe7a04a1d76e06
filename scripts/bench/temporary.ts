/** Temporary directories of the bench: all of them are gone when it ends, however it ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made = new Set<string>();

/** Runs `work` with a new directory, and removes it. */
export async function withTemporary<T>(work: (dir: string) => Promise<T> | T): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'agentos-bench-'));
  made.add(dir);
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
    made.delete(dir);
  }
}

/** Remembers a directory that something else made, to be removed with the rest. */
export function alsoRemove(dir: string): void {
  made.add(dir);
}

/** Removes what is left, synchronously: for the end of the process. */
export function removeTemporary(): void {
  for (const dir of made) rmSync(dir, { recursive: true, force: true });
  made.clear();
}
