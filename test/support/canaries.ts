/**
 * Secrets that are looked for where they must not be: in texts, in files and in
 * the objects of git repositories, as they are and as base64, hex or part of a
 * URL would show them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Name and secret. */
export type Canaries = Readonly<Record<string, string>>;

/** Everything that would give the secret away. A private key is looked for line by line. */
export function formsOf(secret: string): string[] {
  if (secret.includes('\n')) {
    const lines = secret.split('\n').filter((line) => line.length > 40 && !line.includes('-----'));
    return lines.slice(1, 4).flatMap(formsOf);
  }
  const bytes = Buffer.from(secret);
  // Base64 of a longer text holds the secret in one of three alignments; its ends depend on what stands around.
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice(before === 0 ? 0 : 4, -4);
  });
  const hex = bytes.toString('hex');
  const forms = [secret, ...base64, ...base64.map(toUrlSafe), hex, hex.toUpperCase(), encodeURIComponent(secret)];
  return [...new Set([...forms, JSON.stringify(secret).slice(1, -1)])];
}

function toUrlSafe(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_');
}

export class CanarySearch {
  readonly #forms: [string, string][];

  constructor(canaries: Canaries) {
    this.#forms = Object.entries(canaries).flatMap(([name, secret]) => formsOf(secret).map((form): [string, string] => [name, form]));
  }

  /** @returns the names of the canaries in the text. */
  inText(text: string): string[] {
    return [...new Set(this.#forms.filter(([, form]) => text.includes(form)).map(([name]) => name))];
  }

  /** @returns `file: canary` for every file below, and for what git keeps there. */
  inDirectory(root: string, except: readonly string[] = []): string[] {
    return readdirSync(root, { withFileTypes: true }).flatMap((entry) => {
      const path = join(root, entry.name);
      const inName = this.inText(entry.name).map((name) => `${path}: ${name}`);
      if (except.includes(path)) return [];
      if (entry.isDirectory()) return [...inName, ...this.#inGit(path), ...this.inDirectory(path, except)];
      if (!entry.isFile()) return inName;
      const bytes = readFileSync(path);
      const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('latin1');
      return [...inName, ...this.inText(text).map((name) => `${path}: ${name}`)];
    });
  }

  #inGit(dir: string): string[] {
    if (!existsSync(join(dir, 'HEAD')) || !existsSync(join(dir, 'objects'))) return [];
    const argv = ['cat-file', '--batch-all-objects', '--batch', '--unordered'];
    const env = { PATH: process.env['PATH'], GIT_DIR: dir, GIT_CONFIG_NOSYSTEM: '1', HOME: '/nonexistent' };
    const objects = execFileSync('git', argv, { env, maxBuffer: 1 << 28 }).toString('latin1');
    return this.inText(objects).map((name) => `${dir}, an object: ${name}`);
  }
}
