/**
 * YAML text → a plain value and the line of every part of it. YAML 1.2 core,
 * one document; aliases, tags, directives, control characters and excessive
 * nesting are refused, so that a hostile file costs bounded time and memory.
 * What can be read is returned beside the problems, so that the schema can
 * complain in the same breath. Pure.
 */
import { isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, parseDocument } from 'yaml';
import { cleanLine } from '../text.ts';
import type { Path, PlacedProblem, Problem } from './problem.ts';

/** Far beyond any real file; the parser's cost grows with the square of some of these. */
const MAX_TOKENS = 20_000;
const MAX_DEPTH = 32;
const MAX_INDENT = 128;

/** Names that mean something else on a JavaScript object. */
const RESERVED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
/** Errors after which the rest of the document still means what it says. */
const HARMLESS: ReadonlySet<string> = new Set(['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED']);

export interface ConfigDocument {
  /** Built from plain objects, lists and scalars; `undefined` when the text is no readable YAML. */
  value: unknown;
  problems: PlacedProblem[];
  /** Adds the line to a problem found in the value; a missing key is placed at its parent. */
  place(problem: Problem): PlacedProblem;
}

/** Reads the text of a configuration file. Never throws: whatever is wrong is in `problems`. */
export function readDocument(text: string): ConfigDocument {
  const unsafe = findUnsafe(text);
  if (unsafe) return { value: undefined, problems: [unsafe], place: placer(new Map()) };
  const counter = new LineCounter();
  const document = parseDocument(text, {
    schema: 'core',
    version: '1.2',
    uniqueKeys: true,
    strict: true,
    merge: false,
    resolveKnownTags: false,
    prettyErrors: false,
    // `silent` would also hide a second document.
    logLevel: 'error',
    lineCounter: counter,
  });
  const lineAt = (offset: number) => Math.max(1, counter.linePos(offset).line);
  const complaints = [...document.errors, ...document.warnings];
  const problems: PlacedProblem[] = complaints.map((error) => ({ line: lineAt(error.pos[0]), path: [], what: yamlProblem(error) }));
  if (document.directives.yaml.explicit === true) problems.push({ line: 1, path: [], what: 'remove the `%YAML` line' });
  const readable = complaints.every((error) => HARMLESS.has(error.code));
  const reader: Reader = { lineAt, lines: new Map(), problems };
  const value = readable ? toPlain(document.contents, [], reader) : undefined;
  return { value, problems, place: placer(reader.lines) };
}

function yamlProblem(error: { code: string; message: string }): string {
  if (error.code === 'DUPLICATE_KEY') return 'the same key stands twice in one mapping; remove one of them';
  if (error.code === 'TAG_RESOLVE_FAILED') return `tags are not available (${cleanLine(error.message, 80)}); write a plain value`;
  if (error.code === 'MULTIPLE_DOCS') return 'a second document starts here; the file must hold one';
  return `not valid YAML: ${cleanLine(error.message)}`;
}

/** What must not even reach the parser: it recurses with the nesting and compares every key with every other. */
function findUnsafe(text: string): PlacedProblem | undefined {
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.exec(text);
  if (control) return { line: lineOf(text, control.index), path: [], what: `control character ${codeOf(control[0])}; remove it` };
  let tokens = text.split('\\').length;
  let offset = 0;
  let flow = 0;
  let chain = 0;
  for (const token of new Lexer().lex(text)) {
    tokens++;
    if (token === '[' || token === '{') flow++;
    else if (token === ']' || token === '}') flow = Math.max(0, flow - 1);
    else if (token === '-' || token === '?' || token === ':') chain++;
    else if (token === ',' || token.endsWith('\n')) chain = 0;
    const indented = token.length > MAX_INDENT && /^[ \t]+$/.test(token);
    if (flow > MAX_DEPTH || chain > MAX_DEPTH || indented) return { line: lineOf(text, offset), path: [], what: 'nested too deeply' };
    if (tokens > MAX_TOKENS) return { line: lineOf(text, offset), path: [], what: 'too many keys and values for a configuration' };
    offset += token.length;
  }
  return undefined;
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function codeOf(char: string): string {
  return `U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}

interface Lines {
  key: number;
  value: number;
}

interface Reader {
  lineAt(offset: number): number;
  lines: Map<string, Lines>;
  problems: PlacedProblem[];
}

function placer(lines: ReadonlyMap<string, Lines>): ConfigDocument['place'] {
  return (problem) => {
    for (let length = problem.path.length; length >= 0; length--) {
      const found = lines.get(JSON.stringify(problem.path.slice(0, length)));
      if (!found) continue;
      // A parent stands in for what is missing in it: its key is where a person would add it.
      const line = problem.atKey === true || length < problem.path.length ? found.key : found.value;
      return { ...problem, line };
    }
    return { ...problem, line: 1 };
  };
}

function toPlain(node: unknown, path: Path, reader: Reader, keyLine?: number): unknown {
  const range = (node as { range?: [number, number, number] | null } | null)?.range;
  const line = range ? reader.lineAt(range[0]) : (keyLine ?? 1);
  reader.lines.set(JSON.stringify(path), { key: keyLine ?? line, value: line });
  const complain = (what: string) => {
    reader.problems.push({ line, path, what });
    return undefined;
  };
  if (isAlias(node)) return complain(`aliases are not available; write the value of \`*${cleanLine(node.source, 40)}\` out`);
  if (isScalar(node)) {
    if (typeof node.value !== 'string') return node.value;
    const control = /[\u0000-\u0008\u000b-\u001f\u007f]/.exec(node.value);
    return control ? complain(`control character ${codeOf(control[0])}; remove it`) : node.value;
  }
  if (isSeq(node)) return node.items.map((item, index) => toPlain(item, [...path, index], reader, undefined));
  if (!isMap(node)) return null;
  const value: Record<string, unknown> = {};
  for (const pair of node.items) {
    const key = isScalar(pair.key) ? pair.key : undefined;
    const at = key?.range ? reader.lineAt(key.range[0]) : line;
    if (typeof key?.value !== 'string') reader.problems.push({ line: at, path, what: 'a key must be text; put it in quotes' });
    else if (RESERVED.has(key.value)) reader.problems.push({ line: at, path, what: `\`${key.value}\` cannot be a key; rename it` });
    else value[key.value] = toPlain(pair.value, [...path, key.value], reader, at);
  }
  return value;
}
