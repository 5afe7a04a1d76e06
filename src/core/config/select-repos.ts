/** `--repo`: which configured repositories a command looks at. Pure. */
import { AgentOsError } from '../errors.ts';
import { nearest } from '../text.ts';
import type { LoadedConfig, RepoConfig } from './schema.ts';

/** The named repositories in the order of the configuration; all when none is named. @throws `usage` for an unknown name. */
export function selectRepos(config: Pick<LoadedConfig, 'repos'>, names: readonly string[]): readonly RepoConfig[] {
  if (names.length === 0) return config.repos;
  const known = config.repos.map((repo) => repo.name);
  for (const name of names) {
    if (known.includes(name)) continue;
    const close = nearest(name, known);
    throw new AgentOsError('usage', `\`${name}\` is not one of the configured repositories`, {
      hint: close ? `Did you mean \`${close}\`?` : `Use one of: ${known.join(', ')}.`,
    });
  }
  return config.repos.filter((repo) => names.includes(repo.name));
}
