/**
 * Holds both sides of every REST exchange to GitHub's own description
 * (`openapi.json`): a client that sends what GitHub does not know is caught as
 * surely as a server that answers what GitHub would not. Everything is checked
 * with ajv; OpenAPI 3.0's `nullable` is rewritten first, since ajv accepts it
 * only beside `type`.
 */
import { readFileSync } from 'node:fs';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';

export interface Violation {
  method: string;
  /** As it came. */
  path: string;
  where: 'request' | 'response';
  what: string;
}

interface Schema {
  $ref?: string;
  type?: string | string[];
  nullable?: boolean;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
}
interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema: Schema;
}
type Content = Record<string, { schema?: Schema }>;
interface Operation {
  parameters?: ({ $ref: string } | Parameter)[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, { $ref?: string; content?: Content }>;
}
interface Description {
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, unknown>>;
}

/** Answers that GitHub gives anywhere, though it describes them in few places. */
const UNIVERSAL = new Set([301, 304, 401, 403, 404, 429, 500, 502, 503, 504]);

const description = allowNull(JSON.parse(readFileSync(new URL('openapi.json', import.meta.url), 'utf8'))) as Description;
const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
// The package is CommonJS: its default export is the function itself at run time.
(formats as unknown as (to: Ajv) => void)(ajv);
for (const name of ['repo.nwo', 'ssh-key', 'timestamp', 'int64']) ajv.addFormat(name, true);
ajv.addSchema({ $id: 'github', ...description });
const compiled = new Map<string, ValidateFunction>();

function allowNull(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(allowNull);
  if (value === null || typeof value !== 'object') return value;
  const { nullable, ...rest } = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, allowNull(one)]));
  // A property may itself be called `nullable`; the keyword is a boolean.
  if (typeof nullable !== 'boolean') return nullable === undefined ? rest : { ...rest, nullable };
  if (!nullable) return rest;
  if (typeof rest['type'] !== 'string') return { anyOf: [{ type: 'null' }, rest] };
  return { ...rest, type: [rest['type'], 'null'], ...(Array.isArray(rest['enum']) && { enum: [...rest['enum'], null] }) };
}

function check(pointer: string, data: unknown): string[] {
  let validate = compiled.get(pointer);
  if (!validate) {
    validate = ajv.compile({ $ref: `github#${pointer}` });
    compiled.set(pointer, validate);
  }
  if (validate(data)) return [];
  return (validate.errors ?? []).map(
    (error: ErrorObject) => `${error.instancePath || '/'} ${error.message} ${JSON.stringify(error.params)}`,
  );
}

function deref<T>(value: { $ref?: string } | T): T {
  const ref = (value as { $ref?: string }).$ref;
  if (ref === undefined) return value as T;
  const [, , group = '', name = ''] = ref.split('/');
  return deref(description.components[group]?.[name] as T);
}

const pointerTo = (path: string, method: string, rest: string) =>
  `/paths/${encodeURIComponent(path.replaceAll('/', '~1'))}/${method}/${rest}/content/application~1json/schema`;

/** Keys of a body that no branch of its schema mentions. */
function strangers(schema: Schema | undefined, value: unknown, at: string): string[] {
  if (!schema || value === null || typeof value !== 'object') return [];
  const branches = flatten(schema);
  if (Array.isArray(value)) {
    const items = branches.flatMap((one) => one.items ?? []);
    return items.length === 0 ? [] : value.flatMap((one, index) => strangers({ anyOf: items }, one, `${at}/${index}`));
  }
  const objects = branches.filter((one) => one.properties);
  if (objects.length === 0 || branches.some((one) => one.additionalProperties)) return [];
  return Object.entries(value).flatMap(([key, one]) => {
    const known = objects.flatMap((object) => object.properties?.[key] ?? []);
    return known.length === 0 ? [`${at}/${key} is not described`] : strangers({ anyOf: known }, one, `${at}/${key}`);
  });
}
function flatten(schema: Schema): Schema[] {
  const one = deref<Schema>(schema);
  return [one, ...[...(one.allOf ?? []), ...(one.anyOf ?? []), ...(one.oneOf ?? [])].flatMap(flatten)];
}

function typed(schema: Schema, raw: string): unknown {
  const types = flatten(schema).flatMap((one) => one.type ?? []);
  if (types.includes('integer') && /^-?\d+$/.test(raw)) return Number(raw);
  if (types.includes('boolean') && /^(true|false)$/.test(raw)) return raw === 'true';
  return raw;
}

function checkQuery(operation: Operation, query: URLSearchParams): string[] {
  const parameters = (operation.parameters ?? []).map((one) => deref<Parameter>(one)).filter((one) => one.in === 'query');
  const unknown = [...query.keys()]
    .filter((key) => !parameters.some((one) => one.name === key))
    .map((key) => `query ${key} is not described`);
  const wrong = parameters.flatMap((one) => {
    const raw = query.get(one.name);
    if (raw === null) return one.required ? [`query ${one.name} is missing`] : [];
    const schema = JSON.parse(JSON.stringify(one.schema).replaceAll('"#/', '"github#/')) as object;
    return ajv.validate(schema, typed(one.schema, raw)) ? [] : [`query ${one.name}: ${ajv.errorsText()}`];
  });
  return [...unknown, ...wrong];
}

/** @param path of the description. @param body `undefined` where the request has none. */
export function checkRequest(method: string, path: string | undefined, query: URLSearchParams, body: unknown): string[] {
  const operation = path === undefined ? undefined : description.paths[path]?.[method.toLowerCase()];
  if (!operation || path === undefined) return ['GitHub has no such endpoint, or the test GitHub lacks it'];
  const problems = checkQuery(operation, query);
  const content = operation.requestBody?.content['application/json'];
  if (body === undefined) return operation.requestBody?.required ? [...problems, 'the body is missing'] : problems;
  if (!content) return Object.keys(body as object).length === 0 ? problems : [...problems, 'a body is not described'];
  return [...problems, ...check(pointerTo(path, method.toLowerCase(), 'requestBody'), body), ...strangers(content.schema, body, '')];
}

/** @param body what is sent, parsed; `undefined` without one. */
export function checkResponse(method: string, path: string, status: number, body: unknown): string[] {
  const operation = description.paths[path]?.[method.toLowerCase()];
  if (!operation) return [];
  const described = operation.responses[String(status)];
  if (!described) {
    if (!UNIVERSAL.has(status)) return [`status ${status} is not described (${Object.keys(operation.responses)})`];
    return body === undefined ? [] : check('/components/schemas/basic-error', body);
  }
  const content = deref<{ content?: Content }>(described).content;
  if (!content?.['application/json']) return body === undefined || status >= 400 ? [] : ['a body is not described'];
  if (body === undefined) return status === 304 ? [] : ['the body is missing'];
  const local = described.$ref?.replace('#', '');
  return check(local ? `${local}/content/application~1json/schema` : pointerTo(path, method.toLowerCase(), `responses/${status}`), body);
}

/** Every operation of the description, as `METHOD path`. */
export function listOperations(): string[] {
  return Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
}
