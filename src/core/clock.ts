/** Where time comes from. Pure code takes `now` as an argument instead. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

/** Milliseconds by a clock that nobody sets. (`performance`, merely named, makes Node load eleven more modules.) */
export function uptime(): number {
  return process.uptime() * 1000;
}
