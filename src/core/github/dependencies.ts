/** `depends on #N` and `blocked by #N` lines of an issue's body (docs/contracts.md, "On the forge"). Pure. */

const LINE = /^\s*(?:[-*+]\s+)?(?:\[[ xX]\]\s+)?(?:depends on|blocked by):?\s+(#\d+(?:\s*(?:,|and)\s*#\d+)*)\s*[.;]?\s*$/i;

/** Issue numbers that must be closed first, each once, in the order written. Lines inside code fences do not count. */
export function parseDependencies(body: string): number[] {
  const found = new Set<number>();
  let fence: string | undefined;
  for (const line of body.split(/\r?\n/)) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined && (fence === undefined || (mark[0] === fence[0] && mark.length >= fence.length))) {
      fence = fence === undefined ? mark : undefined;
      continue;
    }
    if (fence !== undefined) continue;
    for (const number of LINE.exec(line)?.[1]?.matchAll(/\d+/g) ?? []) found.add(Number(number[0]));
  }
  return [...found];
}

/** A cycle through `start` along open dependencies, as issue numbers from `start` to `start`; `undefined` when there is none. */
export function findCycle(start: number, open: ReadonlyMap<number, readonly number[]>): number[] | undefined {
  const seen = new Set<number>();
  const visit = (issue: number, trail: number[]): number[] | undefined => {
    for (const next of open.get(issue) ?? []) {
      if (next === start) return [...trail, issue, start];
      if (seen.has(next)) continue;
      seen.add(next);
      const cycle = visit(next, [...trail, issue]);
      if (cycle) return cycle;
    }
    return undefined;
  };
  return visit(start, []);
}
