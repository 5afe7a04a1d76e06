/**
 * GitHub's own GraphQL schema, built once and only when a query comes: what
 * does not obey it is neither accepted nor answered. The scalars that
 * `buildSchema` would let through unread check their values here.
 */
import { buildSchema, type GraphQLScalarType, type GraphQLSchema, isScalarType } from 'graphql';

let built: Promise<GraphQLSchema> | undefined;

/** Takes about half a second the first time. */
export function githubSchema(): Promise<GraphQLSchema> {
  built ??= build();
  return built;
}

async function build(): Promise<GraphQLSchema> {
  const { schema: published } = await import('@octokit/graphql-schema');
  const schema = buildSchema(published.idl, { assumeValid: true, noLocation: true });
  for (const [name, pattern] of Object.entries(SHAPES)) {
    const type = schema.getType(name);
    if (isScalarType(type)) check(type, pattern);
  }
  return schema;
}

/** How GitHub writes the values of its custom scalars. */
const SHAPES: Record<string, RegExp> = {
  DateTime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  Date: /^\d{4}-\d\d-\d\d$/,
  URI: /^https?:\/\/\S+$|^\/\S*$/,
  GitObjectID: /^[0-9a-f]{40}$/,
  BigInt: /^-?\d+$/,
};

function check(type: GraphQLScalarType, pattern: RegExp): void {
  type.serialize = (value) => {
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw new TypeError(`${type.name} cannot represent ${JSON.stringify(value)}`);
  };
}
