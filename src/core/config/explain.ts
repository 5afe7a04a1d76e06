/**
 * The schema's complaints in words a person can act on: what was expected, what
 * was found, the nearest known key. Pure.
 */
import type * as z from 'zod';
import { cleanLine, nearest } from '../text.ts';
import type { Path, Problem } from './problem.ts';
import { looksSecret } from './secret-shape.ts';
import { childOf, configShape, either, renderShape, type Shape, shapeAt } from './shape.ts';

type Issue = z.core.$ZodIssue;

/** Turns the issues that the schema found in the value into problems. */
export function explainIssues(issues: readonly Issue[], value: unknown): Problem[] {
  const root = configShape();
  return issues.flatMap((issue) => explainIssue(issue, issue.path as Path, { root, value }));
}

interface Subject {
  root: Shape;
  value: unknown;
}

function explainIssue(issue: Issue, path: Path, subject: Subject): Problem[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], atKey: true, what: explainKey(key, path, subject) }));
    case 'invalid_key':
      return [{ path, atKey: true, what: `cannot be a name: ${issue.issues[0]?.message ?? issue.message}` }];
    case 'invalid_union':
      return explainUnion(issue, path, subject);
    case 'custom':
    case 'invalid_format':
      return [{ path, what: `${issue.message}, not ${show(at(subject.value, path))}` }];
    default:
      return [explainValue(path, subject, issue.message)];
  }
}

function explainKey(key: string, path: Path, { root, value }: Subject): string {
  const known = Object.keys(shapeAt(root, path, value)?.properties ?? {});
  const guess = nearest(key, known);
  if (guess !== undefined) return `unknown key; did you mean \`${guess}\`?`;
  return `unknown key; known here: ${known.map((name) => `\`${name}\``).join(', ')}`;
}

function explainUnion(issue: z.core.$ZodIssueInvalidUnion, path: Path, subject: Subject): Problem[] {
  if (issue.errors.length === 0) return [explainKind(path, subject)];
  // The branch whose own type fits, where there is one, knows which entry is wrong.
  const inner = issue.errors.find((branch) => branch.every((nested) => nested.path.length > 0));
  if (!inner) return [explainValue(path, subject, issue.message)];
  return inner.flatMap((nested) => explainIssue(nested, [...path, ...(nested.path as Path)], subject));
}

/** A `kind` that chooses between shapes, missing or not one of them. */
function explainKind(path: Path, { root, value }: Subject): Problem {
  const owner = path.at(-1) === 'kind' ? path.slice(0, -1) : path;
  const options = shapeAt(root, owner, undefined)?.oneOf ?? [];
  const kinds = options.map((option) => String(option.properties?.['kind']?.const));
  const found = at(value, [...owner, 'kind']);
  return { path: [...owner, 'kind'], what: explainChoice(found, kinds) };
}

function explainChoice(found: unknown, choices: readonly string[]): string {
  const available = either(choices.map((choice) => `\`${choice}\``));
  const guess = typeof found === 'string' ? nearest(found, choices) : undefined;
  if (found === undefined) return `missing; write ${available}`;
  return `expected ${available}, found ${show(found)}${guess === undefined ? '' : `; did you mean \`${guess}\`?`}`;
}

function explainValue(path: Path, { root, value }: Subject, message: string): Problem {
  const shape = shapeAt(root, path, value);
  const found = at(value, path);
  if (!shape) return { path, what: `${message}, found ${show(found)}` };
  const choices = shape.enum ?? (shape.const === undefined ? undefined : [shape.const]);
  if (choices) return { path, what: explainChoice(found, choices.map(String)) };
  if (found === '') return { path, what: 'must not be empty' };
  if (found === undefined) return { path, what: `missing; write ${renderShape(shape)}` };
  return { path, what: `expected ${renderShape(shape)}, found ${show(found)}${remedyFor(shape, found)}` };
}

function remedyFor(shape: Shape, found: unknown): string {
  const wantsText = shape.type === 'array' && shape.items?.type === 'string';
  if (wantsText && typeof found === 'string') return `; write \`[${JSON.stringify(cleanLine(found, 60))}]\``;
  if (shape.type === 'string' && found === null) return '; a bare `~` means nothing in YAML, put it in quotes';
  if (found === null && shape.type === 'array' && shape.minItems === undefined) return '; write `[]` or remove the key';
  if (found === null && shape.default !== undefined) return '; give it a value or remove the key';
  if (shape.type === 'string' && ['number', 'boolean'].includes(typeof found)) return '; put it in quotes';
  return '';
}

function at(value: unknown, path: Path): unknown {
  return path.reduce(childOf, value);
}

/** What was written, cut and cleaned; nothing that may be a secret. */
function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = String(value);
  if (looksSecret(text)) return 'what looks like a secret (not repeated here)';
  return `\`${cleanLine(text.replace(/:\/\/[^/]*@/, '://…@'), 60)}\``;
}
