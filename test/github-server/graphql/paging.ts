/**
 * Connections, as GitHub pages them: `first` or `last` must be given where
 * nodes are asked for, at most 100, with opaque cursors. A cursor holds the
 * place of an entry in the order, not its number: what changes before it
 * between two pages neither repeats nor hides an entry.
 */
import type { GraphQLResolveInfo, SelectionSetNode } from 'graphql';
import { Refusal } from './refusal.ts';

export interface PageArgs {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
}

/** Where an entry stands; compared part by part. */
export type Place = readonly (string | number)[];

export interface Connection<T> {
  totalCount: number;
  nodes: T[];
  edges: { cursor: string; node: T }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
}

/**
 * @param all in order.
 * @param placeOf an ascending place for every entry, where the order is by a value; otherwise entries stand by their index.
 * @param backwards where places descend.
 */
export function connect<T>(
  all: readonly T[],
  args: PageArgs,
  info: GraphQLResolveInfo,
  { placeOf, backwards = false }: { placeOf?: (entry: T) => Place; backwards?: boolean } = {},
): Connection<T> {
  refuseBadBounds(args, info);
  const sign = backwards ? -1 : 1;
  const entries = all.map((node, index) => ({ node, place: placeOf?.(node) ?? [index] }));
  const after = args.after == null ? undefined : decode(args.after);
  const before = args.before == null ? undefined : decode(args.before);
  const inside = entries.filter(
    ({ place }) => (!after || sign * compare(place, after) > 0) && (!before || sign * compare(place, before) < 0),
  );
  const shown = args.first != null ? inside.slice(0, args.first) : args.last != null ? inside.slice(-args.last || inside.length) : [];
  const edges = shown.map(({ node, place }) => ({ cursor: encode(place), node }));
  const first = shown[0];
  const last = shown.at(-1);
  return {
    totalCount: all.length,
    nodes: shown.map(({ node }) => node),
    edges,
    pageInfo: {
      hasNextPage: last ? entries.indexOf(last) < entries.length - 1 : false,
      hasPreviousPage: first ? entries.indexOf(first) > 0 : false,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

function refuseBadBounds({ first, last }: PageArgs, info: GraphQLResolveInfo): void {
  const name = info.fieldName;
  if (first == null && last == null) {
    if (!asksForEntries(info)) return;
    const message = `You must provide a \`first\` or \`last\` value to properly paginate the \`${name}\` connection.`;
    throw new Refusal('MISSING_PAGINATION_BOUNDARIES', message);
  }
  if (first != null && last != null) {
    const message = `Passing both \`first\` and \`last\` to paginate the \`${name}\` connection is not supported.`;
    throw new Refusal('INVALID_PAGINATION_BOUNDARIES', message);
  }
  const [which, size] = first != null ? ['first', first] : ['last', last ?? 0];
  if (size < 0) throw new Refusal('ARGUMENT_LIMIT', `\`${which}\` on the \`${name}\` connection cannot be less than zero.`);
  if (size > 100) {
    const message = `Requesting ${size} records on the \`${name}\` connection exceeds the \`${which}\` limit of 100 records.`;
    throw new Refusal('EXCESSIVE_PAGINATION', message);
  }
}

/** A count alone needs no bounds. */
function asksForEntries(info: GraphQLResolveInfo): boolean {
  const names = (set: SelectionSetNode | undefined): string[] =>
    (set?.selections ?? []).flatMap((one) => {
      if (one.kind === 'Field') return [one.name.value];
      return names(one.kind === 'InlineFragment' ? one.selectionSet : info.fragments[one.name.value]?.selectionSet);
    });
  return info.fieldNodes.flatMap((node) => names(node.selectionSet)).some((name) => ['nodes', 'edges', 'pageInfo'].includes(name));
}

const MARK = 'cursor:v2:';

function encode(place: Place): string {
  return Buffer.from(MARK + JSON.stringify(place)).toString('base64');
}

function decode(cursor: string): Place {
  const text = Buffer.from(cursor, 'base64').toString();
  try {
    if (text.startsWith(MARK)) return JSON.parse(text.slice(MARK.length)) as Place;
  } catch {
    // Not one of ours.
  }
  throw new Refusal('INVALID_CURSOR_ARGUMENTS', `\`${cursor}\` does not appear to be a valid cursor.`);
}

function compare(a: Place, b: Place): number {
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    if (part !== other) return part < other ? -1 : 1;
  }
  return a.length - b.length;
}
