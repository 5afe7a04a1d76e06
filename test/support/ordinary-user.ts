/** Permission bits mean nothing to root: runs a check as an ordinary user, whoever runs the tests. */
const NOBODY = 65_534;

/** Runs `check` with the effective user `nobody` when this is root. Files it must reach have to be readable by all. */
export async function asOrdinaryUser<T>(check: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0 || !process.seteuid) return check();
  process.seteuid(NOBODY);
  try {
    return await check();
  } finally {
    process.seteuid(0);
  }
}
