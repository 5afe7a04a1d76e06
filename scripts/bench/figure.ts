/** What a bench reports: one JSON line a figure, medians, the reference measured in the same run. */

export interface Figure {
  /** Stable name. */
  figure: string;
  value: number;
  unit: string;
  /** The same unit, measured in between the runs of the value. */
  reference?: number;
  /** What must not be exceeded: by `value / reference` where there is a reference, else by the value. */
  limit?: number;
  /** Runs behind a median. */
  n: number;
  /** Version of the Node that was measured; by default the one that runs the bench. */
  node?: string;
  /** What a reader must know to understand the figure. */
  note?: string;
}

export type Report = (figure: Figure) => void;

/** A bench measures and reports one figure after the other. */
export type Bench = (report: Report) => Promise<void>;

export interface Line extends Figure {
  ratio?: number;
  ok: boolean;
  node: string;
}

/** The line of a figure; `ok` is false when a limit is broken. */
export function toLine({ figure, value, unit, reference, limit, n, node, note }: Figure): Line {
  const ratio = reference === undefined ? undefined : value / reference;
  const ok = limit === undefined || (ratio ?? value) <= limit;
  return {
    figure,
    value: round(value),
    unit,
    ...(reference !== undefined && ratio !== undefined && { reference: round(reference), ratio: round(ratio) }),
    ...(limit !== undefined && { limit }),
    ok,
    n,
    node: node ?? process.version,
    ...(note !== undefined && { note }),
  };
}

/** The middle value, or the mean of the two. @throws RangeError for no values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new RangeError('no values');
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

/** Progress, for people. */
export function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}
