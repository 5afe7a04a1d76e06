/** What a configuration means, as `agentos config check` prints it. Pure. */
import type { AgentConfig, LoadedConfig, RepoConfig } from '../../core/config/schema.ts';
import type { ProtectedGlob } from '../../core/git/protected-paths.ts';
import { plural } from '../../core/text.ts';
import type { Paint } from './tools.ts';

export function renderConfigSummary(config: LoadedConfig, builtIn: readonly ProtectedGlob[], paint: Paint): string {
  const sections = [
    [`${config.path}: ${paint('good', 'correct')}`, `  state: ${config.state_dir}`, `  forge: ${renderForge(config.forge)}`],
    ['Repositories', ...config.repos.flatMap(renderRepo)],
    ['Agents', ...Object.entries(config.agents).map(([name, agent]) => `  ${name}: ${renderAgent(agent)}`)],
    ['Routing', ...Object.entries(config.routing).map(([type, chain]) => `  ${type}: ${chain?.join(' → ')}`)],
    renderWarnings(config).map((warning) => `${paint('warn', 'note')}: ${warning}`),
    ['Protected paths, built in: a change there needs a person in every mode', ...renderProtected(builtIn)],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function renderForge(forge: LoadedConfig['forge']): string {
  if (forge.kind === 'local') return `local, ${forge.root}`;
  const { app, token_env: tokenEnv, writes } = forge;
  const who = app ? `app ${app.id}, installation ${app.installation_id}, key ${app.private_key_file}` : `the token in $${tokenEnv}`;
  const alone = app || forge.machine_account ? 'an account of its own' : "a person's account";
  return `github, ${forge.api_url}, ${who}, ${alone}, at most ${writes.per_minute} writes a minute and ${writes.per_hour} an hour`;
}

function renderRepo(repo: RepoConfig): string[] {
  const trusted = repo.trusted === 'write' ? 'everyone with write permission' : repo.trusted.join(', ');
  return [
    `  ${repo.name}: ${repo.automation}, \`${repo.ready.label}\` by ${trusted}, onto ${repo.base ?? "the forge's default branch"}`,
    ...repo.setup.map((line) => `    setup: ${line}`),
    ...repo.verify.map((line) => `    verify: ${line}`),
    ...repo.protected_paths.map((glob) => `    protected: ${glob}`),
  ];
}

function renderAgent(agent: AgentConfig): string {
  return `${describeKind(agent)}, at most ${agent.timeout_minutes} min, ${agent.silence_minutes} min without output`;
}

function describeKind(agent: AgentConfig): string {
  if (agent.kind === 'patch') return 'patch';
  if (agent.kind === 'command') return `command ${agent.command.join(' ')}`;
  const kind = agent.kind === 'api' ? `api of ${agent.provider}` : agent.kind;
  return `${kind}, ${agent.model}${agent.base_url === undefined ? '' : ` at ${agent.base_url}`}, the key in $${agent.key_env}`;
}

/** What is allowed, and may not be meant. */
function renderWarnings(config: LoadedConfig): string[] {
  const unproved = config.repos.filter((repo) => repo.verify.length === 0).map((repo) => repo.name);
  const used = new Set(Object.values(config.routing).flat());
  const idle = Object.keys(config.agents).filter((name) => !used.has(name));
  return [
    ...(unproved.length > 0 ? [`no \`verify\` for ${unproved.join(', ')}: nothing is merged there unless the forge runs checks`] : []),
    ...(config.sandbox.mode === 'required' ? [] : [`\`sandbox.mode: ${config.sandbox.mode}\`: agents may run unconfined as this user`]),
    ...(idle.length > 0 ? [`${plural(idle.length, 'agent')} in no chain of \`routing\`: ${idle.join(', ')}`] : []),
  ];
}

function renderProtected(builtIn: readonly ProtectedGlob[]): string[] {
  const reasons = [...new Set(builtIn.map(({ why }) => why))];
  return reasons.map((reason) => `  ${reason}: ${builtIn.flatMap(({ glob, why }) => (why === reason ? [glob] : [])).join(' ')}`);
}
