/**
 * Answers one GraphQL request over the store. The query is held to GitHub's
 * schema before it is run and every value to it afterwards, so an answer obeys
 * the schema or is no answer. What GitHub would never be asked or would never
 * answer is told as a violation: the test that caused it must fail. A request
 * is run in one step: nothing else happens to the store meanwhile.
 */
import {
  type DocumentNode,
  execute,
  type GraphQLError,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  type OperationDefinitionNode,
  parse,
  validate,
} from 'graphql';
import type { Viewer } from '../accounts.ts';
import type { Violation } from '../guard.ts';
import type { Store } from '../store.ts';
import { actorResolvers } from './actors.ts';
import { checkResolvers } from './checks.ts';
import { commitResolvers } from './commits.ts';
import { measureQuery, NODE_LIMIT, type QueryCost } from './cost.ts';
import { issueResolvers } from './issues.ts';
import { projectResolvers } from './projects.ts';
import { pullResolvers } from './pulls.ts';
import { Refusal } from './refusal.ts';
import { repositoryResolvers } from './repositories.ts';
import { rootResolvers } from './root.ts';
import { githubSchema } from './schema.ts';
import type { Budget, Context, Field, Resolvers } from './sources.ts';
import { timelineResolvers } from './timeline.ts';

export interface GraphqlRequest {
  query?: unknown;
  variables?: unknown;
  operationName?: unknown;
}

export interface GraphqlAnswer {
  status: 200;
  body: { data?: unknown; errors?: AnswerError[] };
  /** Zero for what was refused before it ran. */
  cost: QueryCost;
}

interface AnswerError {
  type?: string;
  path?: readonly (string | number)[];
  locations?: readonly unknown[];
  extensions?: Record<string, unknown>;
  message: string;
  code?: string;
}

/** The field about to be answered. `path` is the place in the answer: an alias where there is one. */
interface AskedField {
  path: readonly (string | number)[];
  name: string;
  args: Record<string, unknown>;
}

export interface GraphqlHooks {
  /** Of the web site, as REST's `html_url` has it. */
  url?: string;
  /** Told of a query that GitHub's schema does not know, and of an answer that it cannot give or a field the server does not know. */
  violation?: (violation: Violation) => void;
  budget?: {
    /** How things stand now. */
    read(): Budget;
    spend(points: number): void;
    /** What GitHub calls the error; both names have been seen. */
    errorType?: 'RATE_LIMITED' | 'RATE_LIMIT';
  };
  /** How many queries of a pull request whose branches moved still see `UNKNOWN`; 1 when not given. */
  mergeableReads?: number;
  /** A planned error: the field is `null` and the error is in `errors`, the rest of the answer stands. */
  fault?: (field: AskedField) => { type: string; message: string } | undefined;
}

const RESOLVERS: Record<string, Resolvers> = {
  ...rootResolvers,
  ...actorResolvers,
  ...repositoryResolvers,
  ...issueResolvers,
  ...timelineResolvers,
  ...pullResolvers,
  ...commitResolvers,
  ...checkResolvers,
  ...projectResolvers,
};

const FREE: QueryCost = { requests: 0, nodes: 0, points: 0 };

export async function executeGraphql(
  store: Store,
  viewer: Viewer,
  request: GraphqlRequest,
  hooks: GraphqlHooks = {},
): Promise<GraphqlAnswer> {
  return answer(await githubSchema(), store, viewer, request, hooks);
}

function answer(schema: GraphQLSchema, store: Store, viewer: Viewer, request: GraphqlRequest, hooks: GraphqlHooks): GraphqlAnswer {
  const refuse = (...errors: AnswerError[]): GraphqlAnswer => ({ status: 200, body: { errors }, cost: FREE });
  const prepared = prepare(schema, request);
  if ('errors' in prepared) {
    for (const { message } of prepared.errors) report(hooks, 'request', message, request);
    return refuse(...prepared.errors);
  }
  const { document, operation, variables } = prepared;
  const budget = hooks.budget?.read();
  if (budget && budget.remaining <= 0) return refuse(rateLimited(viewer, hooks.budget?.errorType ?? 'RATE_LIMITED'));
  const cost = measureQuery(schema, document, operation, variables);
  if (cost.nodes > NODE_LIMIT) {
    const [asked, limit] = [cost.nodes.toLocaleString('en-US'), NODE_LIMIT.toLocaleString('en-US')];
    const message = `This query requests up to ${asked} possible nodes which exceeds the maximum limit of ${limit}.`;
    return refuse({ type: 'MAX_NODE_LIMIT_EXCEEDED', message });
  }
  hooks.budget?.spend(cost.points);
  const context: Context = {
    store,
    viewer,
    url: hooks.url ?? 'https://github.com',
    cost,
    budget: hooks.budget?.read() ?? unlimited(store),
    mergeableReads: hooks.mergeableReads ?? 1,
    mergeable: new Map(),
  };
  const result = execute({
    schema,
    document,
    operationName: operation.name?.value ?? null,
    variableValues: request.variables as Record<string, unknown> | undefined,
    contextValue: context,
    fieldResolver: (source, args, _, info) => resolveField(source, args, context, info, hooks),
    typeResolver: (source) => (source as { __typename: string }).__typename,
  });
  if (result instanceof Promise) throw new Error('a resolver waits; a request is run in one step');
  const errors = (result.errors ?? []).map((error) => toAnswerError(error, request, hooks));
  return { status: 200, body: { data: result.data, ...(errors.length > 0 && { errors }) }, cost };
}

type Prepared = { document: DocumentNode; operation: OperationDefinitionNode; variables: Record<string, unknown> };

function prepare(schema: GraphQLSchema, { query, variables, operationName }: GraphqlRequest): Prepared | { errors: AnswerError[] } {
  if (typeof query !== 'string') return { errors: [{ message: 'A query attribute must be specified and must be a string.' }] };
  if (variables != null && (typeof variables !== 'object' || Array.isArray(variables)))
    return { errors: [{ message: 'Variables must be an object.' }] };
  let document: DocumentNode;
  try {
    document = parse(query);
  } catch (error) {
    return { errors: [invalid(error as GraphQLError)] };
  }
  const problems = validate(schema, document);
  if (problems.length > 0) return { errors: problems.map(invalid) };
  const operation = getOperationAST(document, typeof operationName === 'string' ? operationName : undefined);
  if (!operation) return { errors: [{ message: `No operation named "${String(operationName ?? '')}"` }] };
  const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], { ...variables });
  return errors ? { errors: errors.map(invalid) } : { document, operation, variables: coerced };
}

function resolveField(source: unknown, args: Record<string, unknown>, context: Context, info: GraphQLResolveInfo, hooks: GraphqlHooks) {
  const { fieldName: name, parentType } = info;
  const planned = hooks.fault?.({ path: pathOf(info), name, args });
  if (planned) throw new Refusal(planned.type, planned.message);
  const resolver = RESOLVERS[parentType.name]?.[name] as Field<unknown> | undefined;
  if (resolver) return resolver(source, args as never, context, info);
  if (typeof source === 'object' && source !== null && Object.hasOwn(source, name)) return source[name as keyof typeof source];
  throw new Error(`the test server does not know ${parentType.name}.${name}`);
}

function pathOf(info: GraphQLResolveInfo): (string | number)[] {
  const path: (string | number)[] = [];
  for (let at: GraphQLResolveInfo['path'] | undefined = info.path; at; at = at.prev) path.unshift(at.key);
  return path;
}

function toAnswerError(error: GraphQLError, request: GraphqlRequest, hooks: GraphqlHooks): AnswerError {
  const { originalError, message } = error;
  const where = { ...(error.path && { path: error.path }), ...(error.locations && { locations: error.locations }) };
  if (originalError instanceof Refusal) return { type: originalError.type, ...where, message };
  report(hooks, 'response', `${message} at ${error.path?.join('.') ?? 'the root'}`, request);
  return { ...where, message };
}

/** Without anyone to tell, a violation is an error of its own. */
function report(hooks: GraphqlHooks, where: Violation['where'], message: string, { query }: GraphqlRequest): void {
  const what = `${message}, asked by ${String(query).replace(/\s+/g, ' ').slice(0, 300)}`;
  if (!hooks.violation) throw new Error(`graphql ${where}: ${what}`);
  hooks.violation({ method: 'POST', path: '/graphql', where, what });
}

/** In GitHub's words where they are known. */
function invalid({ message, locations }: GraphQLError): AnswerError {
  const at = locations ? { locations } : {};
  const [, fieldName, typeName] = /^Cannot query field "(\w+)" on type "(\w+)"/.exec(message) ?? [];
  if (fieldName === undefined || typeName === undefined) return { ...at, message };
  const extensions = { code: 'undefinedField', typeName, fieldName };
  return { extensions, ...at, message: `Field '${fieldName}' doesn't exist on type '${typeName}'` };
}

function rateLimited({ userId, token }: Viewer, type: 'RATE_LIMITED' | 'RATE_LIMIT'): AnswerError {
  const who = token.kind === 'installation' ? `installation ID ${token.installationId}` : `user ID ${userId}`;
  if (type === 'RATE_LIMIT') return { type, code: 'graphql_rate_limit', message: `API rate limit already exceeded for ${who}.` };
  return { type, message: `API rate limit exceeded for ${who}.` };
}

function unlimited(store: Store): Budget {
  const resetAt = `${new Date(store.millis() + 3_600_000).toISOString().slice(0, 19)}Z`;
  return { limit: 5000, remaining: 5000, used: 0, resetAt };
}
