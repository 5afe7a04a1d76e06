/**
 * A commented configuration file: what was asked for, and beside it every other
 * key switched off, each with the schema's own words. Pure.
 */
import { stringify } from 'yaml';
import { renderShape, type Shape } from '../../core/config/shape.ts';

const HEAD = `# Agent OS configuration, made by \`agentos init\`.
# After a change: \`agentos config check\`. Every key: docs/configuration.md.
# Relative paths are relative to this file. A key behind \`#\` is switched off.
`;

const WIDTH = 100;

/** @param value what is written; a key of the schema that is not in it appears commented out. */
export function renderConfig(shape: Shape, value: Record<string, unknown>): string {
  const parts = Object.entries(shape.properties ?? {}).map(([key, part]) => renderEntry(key, part, value[key], 0).join('\n'));
  return `${HEAD}\n${parts.join('\n\n')}\n`;
}

function renderEntry(key: string, shape: Shape, value: unknown, depth: number): string[] {
  const about = comment(shape.description ?? '', depth);
  if (value === undefined) return [...about, ...switchedOff(key, shape, depth)];
  if (isMapping(value)) return [...about, `${indent(depth)}${key}:`, ...renderMapping(shape, value, depth + 1)];
  if (isMappings(value)) {
    return [...about, `${indent(depth)}${key}:`, ...value.flatMap((item) => renderItem(shape.items ?? {}, item, depth + 1))];
  }
  return [...about, `${indent(depth)}${key}: ${inline(value)}`];
}

function renderMapping(shape: Shape, value: Record<string, unknown>, depth: number): string[] {
  const named = shape.additionalProperties;
  if (named) return Object.entries(value).flatMap(([name, part]) => renderNamed(name, named, part, depth));
  const properties = chooseKind(shape, value).properties ?? {};
  // What the schema does not know is written all the same: the check that follows says what is wrong with it.
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(properties, key));
  return [
    ...Object.entries(properties).flatMap(([key, part]) => renderEntry(key, part, value[key], depth)),
    ...unknown.flatMap((key) => renderEntry(key, {}, value[key], depth)),
  ];
}

/** An entry whose name the user chose: `claude:` under `agents`. */
function renderNamed(name: string, shape: Shape, value: unknown, depth: number): string[] {
  if (!isMapping(value)) return [`${indent(depth)}${name}: ${inline(value)}`];
  return [`${indent(depth)}${name}:`, ...renderMapping(shape, value, depth + 1)];
}

/** One mapping of a list; the dash stands before its first key that is written. */
function renderItem(shape: Shape, value: Record<string, unknown>, depth: number): string[] {
  const lines = renderMapping(shape, value, depth + 1);
  const first = lines.findIndex((line) => !line.trimStart().startsWith('#'));
  const out = lines.map((line, index) => (index < first ? line.slice(2) : line));
  out[first] = `${indent(depth)}- ${(lines[first] ?? '').slice((depth + 1) * 2)}`;
  return out;
}

function switchedOff(key: string, shape: Shape, depth: number): string[] {
  if (shape.properties && shape.default !== undefined) {
    return [`${indent(depth)}#${key}:`, ...Object.entries(shape.properties).flatMap(([name, part]) => switchedOff(name, part, depth + 1))];
  }
  const what = shape.properties ? `{ ${Object.keys(shape.properties).join(', ')} }` : renderShape(shape);
  const example = shape.default === undefined ? `# ${what}` : inline(shape.default);
  return [`${indent(depth)}#${key}: ${example}`];
}

function chooseKind(shape: Shape, value: Record<string, unknown>): Shape {
  return shape.oneOf?.find((option) => option.properties?.['kind']?.const === value['kind']) ?? shape;
}

function comment(text: string, depth: number): string[] {
  const room = WIDTH - depth * 2 - 2;
  const lines: string[] = [];
  for (const word of text.split(' ').filter((part) => part !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `${indent(depth)}# ${line}`);
}

function indent(depth: number): string {
  return '  '.repeat(depth);
}

/** A scalar or a list of scalars on one line. */
function inline(value: unknown): string {
  return stringify(value, {
    collectionStyle: 'flow',
    lineWidth: 0,
    defaultStringType: Array.isArray(value) ? 'QUOTE_DOUBLE' : 'PLAIN',
  }).trimEnd();
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isMappings(value: unknown): value is Record<string, unknown>[] {
  return Array.isArray(value) && value.length > 0 && value.every(isMapping);
}
