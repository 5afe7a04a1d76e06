/**
 * Answers of reads that rarely change, kept by address in the state directory
 * and asked for again by ETag: an unchanged one costs nothing of the limit.
 * A damaged file is no answer; bodies over 256 kB are not kept.
 */
import { join } from 'node:path';
import { ensureDirectory, readIfThere, writeFileAtomic } from '../../../atomic-file.ts';
import type { Answer } from './client.ts';

const LARGEST = 256_000;

export interface Etags {
  /** The kept answer to a GET of this address. */
  find(url: string): { etag: string; answer: Answer } | undefined;
  keep(url: string, answer: Answer): void;
}

/** @param name what tells credentials and hosts apart, `<host>-<kind>`. */
export function openEtags(stateDir: string, name: string): Etags {
  const directory = join(stateDir, 'forge', 'etags');
  const pathFor = (url: string) => {
    const { createHash } = process.getBuiltinModule('node:crypto');
    return join(directory, `${createHash('sha256').update(`${name}\n${url}`).digest('hex').slice(0, 40)}.json`);
  };
  return {
    find: (url) => {
      const kept = parse(readIfThere(pathFor(url)));
      return kept?.url === url ? { etag: kept.etag, answer: kept.answer } : undefined;
    },
    keep: (url, answer) => {
      const etag = answer.headers['etag'];
      if (typeof etag !== 'string' || answer.status !== 200) return;
      const headers = { etag, ...(answer.headers['link'] !== undefined && { link: answer.headers['link'] }) };
      const text = JSON.stringify({ url, etag, answer: { status: 200, url: answer.url, headers, data: answer.data } });
      if (Buffer.byteLength(text) > LARGEST) return;
      ensureDirectory(directory);
      writeFileAtomic(pathFor(url), text, { durable: false });
    },
  };
}

interface Kept {
  url: string;
  etag: string;
  answer: Answer;
}

function parse(text: string | undefined): Kept | undefined {
  try {
    const value = JSON.parse(text ?? 'null') as Partial<Kept> | null;
    const isWhole = typeof value?.url === 'string' && typeof value.etag === 'string' && value.answer?.status === 200;
    return isWhole ? (value as Kept) : undefined;
  } catch {
    return undefined;
  }
}
