/**
 * The composition root: the one place that builds adapters. Everything is
 * opened at its first use; a tick that finds nothing to do opens the forge and
 * the mailbox, and nothing else.
 */
import { statSync } from 'node:fs';
import { ensureDirectory } from './core/atomic-file.ts';
import { type Clock, systemClock } from './core/clock.ts';
import { loadConfig } from './core/config/load.ts';
import { type StatePaths, statePaths } from './core/config/paths.ts';
import type { GitHubConfig, LoadedConfig, RepoConfig } from './core/config/schema.ts';
import { AgentOsError, errnoOf, toIoError } from './core/errors.ts';
import { openEventLog } from './core/events/log.ts';
import type { GitHub } from './core/github/github.ts';
import type { ReadyColumn } from './core/github/octokit/projects/ready-column.ts';
import { runId } from './core/ids.ts';
import type { Output, Ports } from './core/ports.ts';
import { workingDirectory } from './core/working-directory.ts';

export interface ContextRequest {
  /** `--config`. */
  config?: string | undefined;
  command: string;
  signal: AbortSignal;
  out: Output;
}

export async function openContext(request: ContextRequest): Promise<Ports> {
  const config = await loadConfig({
    ...(request.config !== undefined && { path: request.config }),
    env: process.env,
    cwd: workingDirectory(),
  });
  return openPorts(config, request);
}

/** The ports over a configuration that is already loaded. */
function openPorts(config: LoadedConfig, request: Omit<ContextRequest, 'config'>): Ports {
  const paths = statePaths(config.state_dir);
  prepareState(paths);
  const clock = systemClock;
  const run = runId(clock.now(), process.pid);
  const path = process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  let opened: GitHub | undefined;
  const github = config.forge.kind === 'github' ? openGitHub(config, config.forge, paths, request.signal) : undefined;
  const forge = once(async () => {
    opened = github ? await github.forge() : await openLocal(config, clock);
    return opened;
  });
  const sandbox = once(async () => {
    const { openSandbox } = await import('./core/sandbox/open-sandbox.ts');
    const { scaleLimits } = await import('./core/sandbox/limits.ts');
    const { mode, readable, disk_mb } = config.sandbox;
    const hidden = [config.path, ...forgeSecrets(config.forge)];
    const opened = await openSandbox({ mode, readable, path, stateDir: config.state_dir, hidden, limits: scaleLimits(disk_mb) });
    if (opened.notice !== undefined) request.out.note(opened.notice);
    return opened.sandbox;
  });
  return {
    config,
    paths,
    clock,
    run,
    signal: request.signal,
    log: openEventLog({ dir: paths.events, clock, run, command: request.command }),
    forge,
    ...(github && { access: github.access }),
    spent: () => opened?.spent ?? { requests: 0, points: 0 },
    sandbox,
    effects: once(async () => {
      const { openEffects } = await import('./core/effects/journal.ts');
      return openEffects({ root: paths.effects, clock, consistentReads: (await forge()).consistentReads });
    }),
    mailbox: once(async () => {
      const { openMailbox } = await import('./core/mailbox/maildir.ts');
      return openMailbox({ root: paths.mailbox, locks: paths.locks, clock });
    }),
    git: once(async () => {
      const { openGit } = await import('./core/git/open-git.ts');
      return openGit({ paths, path });
    }),
    models: once(async () => {
      if (config.models.length === 0) return undefined;
      const { openModels } = await import('./core/models/chain.ts');
      return openModels({ models: config.models, env: process.env, clock });
    }),
    agents: once(async () => {
      const { openAgents } = await import('./core/agents/registry.ts');
      return openAgents({ agents: config.agents, sandbox, path, env: process.env, clock, prices: config.prices });
    }),
    books: once(async () => {
      const { openBooks } = await import('./core/budget/books.ts');
      return openBooks({ root: paths.budget, locks: paths.locks, limits: config.budgets, clock });
    }),
  };
}

async function openLocal({ forge, repos, path }: LoadedConfig, clock: Clock): Promise<GitHub> {
  if (forge.kind !== 'local') throw new AgentOsError('config', `\`${path}\` has no local forge`);
  const { openLocalForge } = await import('./core/github/local/forge.ts');
  return openLocalForge({ root: forge.root, clock, localCi: Object.fromEntries(repos.map((repo) => [repo.name, repo.local_ci])) });
}

/** GitHub, reached at the first question. */
function openGitHub(config: LoadedConfig, settings: GitHubConfig, paths: StatePaths, signal: AbortSignal) {
  const { app, token_env: variable, machine_account: alone, api_url: apiUrl, writes } = settings;
  const clock = systemClock;
  const client = once(async () => {
    const { openClient } = await import('./core/github/octokit/client/open-client.ts');
    const credentials = {
      ...(app && { app: { id: app.id, installationId: app.installation_id, privateKeyFile: app.private_key_file } }),
      token: { variable, shared: !alone },
      repos: config.repos.map(({ name }) => name),
      projects: config.repos.flatMap(({ name, ready, board }) => (board || ready.project !== undefined ? [name] : [])),
      env: process.env,
    };
    return openClient({ apiUrl, credentials, stateDir: paths.root, clock, signal, writes });
  });
  return {
    forge: async () => {
      const boards = new Map(config.repos.flatMap(({ name, board }) => (board ? [[name, board]] : [])));
      const options = { client: await client(), memoryDir: `${paths.root}/forge/issues`, boards, clock, signal };
      const columns = new Map(config.repos.flatMap((repo) => readyColumn(repo)));
      if (columns.size > 0) return (await import('./core/github/octokit/projects/project-forge.ts')).openProjectForge(options, columns);
      return (await import('./core/github/octokit/forge.ts')).openOctokitForge(options);
    },
    access: async () => (await import('./core/github/octokit/access.ts')).readAccess(await client(), config.repos),
  };
}

/** The column that makes the issues of a repository Ready, where it is one. */
function readyColumn({ name, ready, board }: RepoConfig): [string, ReadyColumn][] {
  const { project, field, value, label } = ready;
  if (project === undefined || field === undefined || value === undefined) return [];
  const done = board?.project === project && board.field === field ? board.done : undefined;
  return [[name, { project, field, value, label, ...(done !== undefined && { done }) }]];
}

/** What no agent may see. */
function forgeSecrets(forge: LoadedConfig['forge']): string[] {
  if (forge.kind === 'local') return [forge.root];
  return forge.app ? [forge.app.private_key_file] : [];
}

/** Opens at the first call, then gives the same thing. */
function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () => {
    opened ??= open();
    return opened;
  };
}

/** Creates the state directory, private to this user, and refuses one that is not. */
function prepareState(paths: StatePaths): void {
  try {
    statSync(`${paths.loops}/.`);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw toIoError(error, `use the state directory \`${paths.root}\``);
    for (const dir of [paths.root, paths.locks, paths.loops]) ensureDirectory(dir);
  }
  const state = statSync(paths.root);
  if ((state.mode & 0o022) !== 0) {
    throw new AgentOsError('config', `the state directory \`${paths.root}\` can be written by other users`, {
      hint: `Run \`chmod go-w ${paths.root}\`.`,
    });
  }
}
