/**
 * The schema as plain data (JSON Schema), to say what a key takes: for error
 * messages and for the documentation. Pure.
 */
import * as z from 'zod';
import type { Path } from './problem.ts';
import { Config } from './schema.ts';

/** The part of JSON Schema that the configuration uses. */
export interface Shape {
  type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean';
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, Shape>;
  required?: string[];
  additionalProperties?: Shape | false;
  propertyNames?: Shape;
  items?: Shape;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  oneOf?: Shape[];
  anyOf?: Shape[];
}

/** The configuration as users write it: keys with a default are optional. */
export function configShape(): Shape {
  return z.toJSONSchema(Config, { io: 'input', target: 'draft-2020-12' }) as Shape;
}

/** The shape at a path; where a `kind` decides, the one that the value there has. */
export function shapeAt(root: Shape, path: Path, value: unknown): Shape | undefined {
  let shape: Shape | undefined = root;
  let here: unknown = value;
  for (const part of path) {
    shape = shape && stepInto(chooseKind(shape, here), part);
    here = childOf(here, part);
  }
  return shape && chooseKind(shape, here);
}

function stepInto(shape: Shape, part: string | number): Shape | undefined {
  if (typeof part === 'number') return shape.items ?? shape.anyOf?.find((option) => option.items)?.items;
  const properties = shape.properties ?? {};
  return Object.hasOwn(properties, part) ? properties[part] : shape.additionalProperties || undefined;
}

function chooseKind(shape: Shape, value: unknown): Shape {
  const kind = childOf(value, 'kind');
  return shape.oneOf?.find((option) => option.properties?.['kind']?.const === kind) ?? shape;
}

/** The own member of an object or list, `undefined` when there is none. */
export function childOf(value: unknown, part: string | number): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, part) ? (value as Record<string, unknown>)[part] : undefined;
}

/** What may be written there, in words: `a whole number from 1 to 64`. */
export function renderShape(shape: Shape): string {
  if (shape.const !== undefined) return code(shape.const);
  if (shape.enum) return either(shape.enum.map(code));
  const options = shape.anyOf ?? shape.oneOf;
  if (options) return either([...new Set(options.map(renderShape))]);
  switch (shape.type) {
    case 'string':
      return 'text';
    case 'boolean':
      return '`true` or `false`';
    case 'integer':
      return `a whole number${renderBounds(shape)}`;
    case 'number':
      return `a number${renderBounds(shape)}`;
    case 'array':
      return `a ${(shape.minItems ?? 0) > 0 ? 'non-empty ' : ''}list${renderItems(shape.items)}`;
    default:
      return 'a mapping';
  }
}

function renderItems(items: Shape | undefined): string {
  const of = items ? renderShape(items) : 'anything';
  return of === 'a mapping' ? ' of mappings' : ` of ${of}`;
}

function renderBounds({ minimum, maximum, exclusiveMinimum }: Shape): string {
  const least = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined;
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined;
  if (least !== undefined) return most === undefined ? ` of at least ${least}` : ` from ${least} to ${most}`;
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}${most === undefined ? '' : ` and at most ${most}`}`;
  return most === undefined ? '' : ` of at most ${most}`;
}

/** `a, b or c`. */
export function either(choices: readonly string[]): string {
  return choices.length < 2 ? (choices[0] ?? 'nothing') : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
