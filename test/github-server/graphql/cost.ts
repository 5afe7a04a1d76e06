/**
 * What a query costs, by the formula of GitHub's documentation ("Rate limits
 * and node limits for the GraphQL API"): every connection is asked for once per
 * parent, with as many parents as the pages above it may hold; the sum divided
 * by 100, rounded, at least 1, is the price in points. Only the shape of the
 * query counts, never what there is. Pure.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

export const NODE_LIMIT = 500_000;

export interface QueryCost {
  /** Of connections. */
  requests: number;
  /** That the connections may hold at most. What `nodes(ids:)` names is not counted, what hangs below it is. */
  nodes: number;
  points: number;
}

interface Walk {
  schema: GraphQLSchema;
  fragments: Map<string, FragmentDefinitionNode>;
  variables: Record<string, unknown>;
  requests: number;
  nodes: number;
}

type Group = { type: GraphQLCompositeType; nodes: FieldNode[] };

/** @param document a valid one; `variables` are coerced. */
export function measureQuery(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>,
): QueryCost {
  const fragments = new Map(document.definitions.flatMap((one) => (one.kind === 'FragmentDefinition' ? [[one.name.value, one]] : [])));
  const walk: Walk = { schema, fragments, variables, requests: 0, nodes: 0 };
  const root: GraphQLObjectType | null | undefined = schema.getRootType(operation.operation);
  if (root) visit(walk, root, [operation.selectionSet], 1);
  return { requests: walk.requests, nodes: walk.nodes, points: pointsFor(walk.requests) };
}

export function pointsFor(requests: number): number {
  return Math.max(1, Math.round(requests / 100));
}

/** @param parents how many objects of this type there may be. */
function visit(walk: Walk, type: GraphQLCompositeType, sets: SelectionSetNode[], parents: number): void {
  const groups = new Map<string, Group>();
  for (const set of sets) collect(walk, type, set, groups);
  for (const group of groups.values()) visitField(walk, group, parents);
}

/** The same field asked for twice is one field, as when the query is run. */
function collect(walk: Walk, type: GraphQLCompositeType, set: SelectionSetNode, into: Map<string, Group>): void {
  for (const node of set.selections) {
    if (getDirectiveValues(GraphQLSkipDirective, node, walk.variables)?.['if'] === true) continue;
    if (getDirectiveValues(GraphQLIncludeDirective, node, walk.variables)?.['if'] === false) continue;
    if (node.kind === 'Field') {
      const key = `${type.name}.${node.alias?.value ?? node.name.value}`;
      const group = into.get(key) ?? { type, nodes: [] };
      group.nodes.push(node);
      into.set(key, group);
      continue;
    }
    const fragment = node.kind === 'FragmentSpread' ? walk.fragments.get(node.name.value) : node;
    if (!fragment) continue;
    const condition = fragment.typeCondition ? walk.schema.getType(fragment.typeCondition.name.value) : type;
    collect(walk, isCompositeType(condition) ? condition : type, fragment.selectionSet, into);
  }
}

function visitField(walk: Walk, { type, nodes }: Group, parents: number): void {
  const [node] = nodes;
  const field = node && (isObjectType(type) || isInterfaceType(type)) ? type.getFields()[node.name.value] : undefined;
  if (!node || !field) return;
  const args = getArgumentValues(field, node, walk.variables);
  const result = getNamedType(field.type);
  let children = parents;
  if (result.name.endsWith('Connection') && field.args.some((arg) => arg.name === 'first')) {
    children = parents * sizeOf(args);
    walk.requests += parents;
    walk.nodes += children;
  } else if (Array.isArray(args['ids']) && type === walk.schema.getQueryType()) {
    children = parents * args['ids'].length;
  }
  const below = nodes.flatMap((one) => one.selectionSet ?? []);
  if (isCompositeType(result) && below.length > 0) visit(walk, result, below, children);
}

function sizeOf(args: Record<string, unknown>): number {
  const size = args['first'] ?? args['last'];
  return typeof size === 'number' ? Math.max(0, size) : 0;
}
