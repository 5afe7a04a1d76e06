/**
 * Reads front matter that a person wrote in YAML of their own taste. Costs the
 * YAML package, so it is imported only where `parsePlainFrontMatter` gave up
 * (`front-matter-read.ts`). Refuses what row 46 of docs/threat-model.md names: aliases,
 * merge keys, unknown tags, duplicate keys, deep nesting, long heads. Pure.
 */
import { isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { AgentOsError, messageOf } from './errors.ts';
import { type Document, type FrontMatter, isForbiddenKey, MAX_DEPTH, splitFrontMatter } from './front-matter.ts';

const MAX_HEAD = 64 * 1024;

/**
 * The front matter and body of a Markdown file.
 * @throws AgentOsError `corrupt`: there is no front matter, or it is not the YAML that is allowed here.
 */
export function parseFrontMatterYaml(text: string): Document {
  const parts = splitFrontMatter(withUnixLines(text));
  if (!parts)
    throw new AgentOsError('corrupt', 'there is no front matter', {
      hint: 'Begin the file with a `---` line, and end the front matter with another.',
    });
  if (parts.head.length > MAX_HEAD) throw new AgentOsError('corrupt', `the front matter is longer than ${MAX_HEAD} characters`);
  return { data: parseHead(parts.head), body: parts.body };
}

/** A byte order mark and carriage returns are an editor's doing; where the first line has none of it the text is left as it is. */
function withUnixLines(text: string): string {
  return /^\ufeff?---\r?\n/.test(text) && !text.startsWith('---\n') ? text.replace(/^\ufeff/, '').replace(/\r\n/g, '\n') : text;
}

function parseHead(head: string): FrontMatter {
  try {
    const document = parseDocument(head, {
      schema: 'core',
      version: '1.2',
      uniqueKeys: true,
      merge: false,
      customTags: [],
      logLevel: 'error',
    });
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem) throw new AgentOsError('corrupt', `the front matter is not valid: ${firstLine(problem.message)}`);
    if (document.contents === null) return {};
    if (!isMap(document.contents)) throw new AgentOsError('corrupt', 'the front matter is not a list of `key: value` lines');
    check(document.contents, 0);
    return document.toJS({ maxAliasCount: 0 }) as FrontMatter;
  } catch (error) {
    // Nesting that is deep enough overflows the parser's stack.
    if (error instanceof RangeError)
      throw new AgentOsError('corrupt', `the front matter is not valid: ${messageOf(error)}`, { cause: error });
    throw error;
  }
}

function check(node: unknown, depth: number): void {
  // The front matter itself is no flow collection: depth is counted from its values.
  if (depth > MAX_DEPTH + 2) throw new AgentOsError('corrupt', `the front matter is nested deeper than ${MAX_DEPTH} levels`);
  if (isAlias(node)) throw new AgentOsError('corrupt', 'the front matter uses an alias (`*name`)', { hint: 'Write the value out.' });
  if (isScalar(node) && typeof node.value === 'number' && !Number.isFinite(node.value)) {
    throw new AgentOsError('corrupt', 'the front matter holds a number that is not finite');
  }
  if (isSeq(node)) for (const item of node.items) check(item, depth + 1);
  if (!isMap(node)) return;
  for (const pair of node.items) {
    const key = isScalar(pair.key) ? pair.key.value : undefined;
    if (typeof key !== 'string') throw new AgentOsError('corrupt', 'the front matter has a key that is not a text');
    if (isForbiddenKey(key)) throw new AgentOsError('corrupt', `the front matter has the key \`${key}\``);
    check(pair.value, depth + 1);
  }
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
