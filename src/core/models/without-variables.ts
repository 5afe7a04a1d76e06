/** For SDKs that read variables which no option of theirs takes the place of, such as headers for every request. */

/**
 * Opens a client while no variable of that prefix is there.
 * @param open synchronous, so that nobody else misses them
 */
export function withoutVariables<T>(prefix: string, open: () => T): T {
  const taken = Object.entries(process.env).filter(([name]) => name.startsWith(prefix));
  for (const [name] of taken) delete process.env[name];
  try {
    return open();
  } finally {
    for (const [name, value] of taken) process.env[name] = value;
  }
}
