/** The key of a model, from the variable that the configuration names. Pure. */

export type ModelKey = { key: string } | { problem: string };

/** Without the white space around it that files and pipes leave. @returns `problem`: in words, where there is none that a request could carry */
export function readModelKey(env: Readonly<Record<string, string | undefined>>, name: string): ModelKey {
  const key = env[name]?.trim() ?? '';
  if (key === '') return { problem: `the variable \`${name}\`, which holds its key, is not set` };
  if (!/^[\x21-\x7e]+$/.test(key))
    return { problem: `the variable \`${name}\` holds no key: it has a line break, a blank or a letter that no key has` };
  return { key };
}
