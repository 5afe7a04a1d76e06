/**
 * The configuration as users write it: every key, its default and its one-line
 * description, from which `docs/configuration.md` and `agentos config schema`
 * are made. A key that nothing enforces is not here, so writing it is an error.
 */
import * as z from 'zod';
import { isRepoName } from '../ids.ts';
import { Agent } from './agent-schema.ts';
import { DEFAULT_API_URL, explainApiUrl } from './api-url.ts';
import { Budgets, Prices } from './budget-schema.ts';
import { line, modelUrl, name, secretEnv, text } from './fields.ts';
import { DEFAULT_STATE_DIR } from './paths.ts';
import { Sandbox } from './sandbox.ts';

z.config({ jitless: true });

const TASK_TYPES = ['implementation', 'debugging', 'architecture', 'research', 'docs', 'design', 'content', 'browser_automation'] as const;

const shellLines = z.array(text).default([]);
const login = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?$/,
    'must be the login of one account (nobody is trusted by a pattern; `write` trusts everyone with write permission)',
  );
const glob = line.refine(
  (value) => !/^[/!]|^\.{1,2}\/|(?:^|\/)\.\.(?:\/|$)|^\s|\s$/.test(value),
  'must be a glob relative to the top of the repository, without leading `/`, `./`, `!` or `..`',
);
const apiUrl = line.superRefine((value, context) => {
  const message = explainApiUrl(value);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

const id = z.number().int().min(1);

const GitHubForge = z.strictObject({
  kind: z.literal('github').describe('Repositories on GitHub or on a GitHub Enterprise server.'),
  token_env: secretEnv
    .default('GITHUB_TOKEN')
    .describe('Name of the environment variable that holds the token; the file never holds the token itself.'),
  app: z
    .strictObject({
      id: id.describe('The id of the app.'),
      installation_id: id.describe('The id of its installation on the owner of the repositories.'),
      private_key_file: line.describe('The private key of the app, a PEM file; relative to this file.'),
    })
    .optional()
    .describe('A GitHub App to act as; it wins over a token.'),
  api_url: apiUrl.default(DEFAULT_API_URL).describe('Where the REST API answers; that of a GitHub Enterprise server ends in `/api/v3`.'),
  machine_account: z
    .boolean()
    .default(false)
    .describe(
      "Whether the token's account is used by Agent OS alone; `false`: a person uses it too. An app is always an account of its own.",
    ),
  writes: z
    .strictObject({
      per_minute: z.number().int().min(1).max(6000).default(60).describe('Most writes in a minute.'),
      per_hour: z.number().int().min(1).max(100_000).default(450).describe('Most writes in an hour.'),
    })
    .prefault({})
    .describe('How fast Agent OS writes; github.com allows 80 in a minute and 500 in an hour, a server of your own what its settings say.'),
});

const Forge = z.discriminatedUnion('kind', [
  GitHubForge,
  z.strictObject({
    kind: z.literal('local').describe('Repositories, issues and pull requests in a directory of this machine.'),
    root: line.describe('The directory of the local forge; relative to this file.'),
  }),
]);

const projectNumber = z.number().int().min(1).max(2_147_483_647);
const columnName = line.max(200);

const columnOf = (state: string) =>
  columnName.optional().describe(`The value for a task that ${state}; without it the card stays where it is.`);

const Board = z.strictObject({
  project: projectNumber.describe('The number of a project of the owner of the repository.'),
  field: columnName.describe('The single-select field to write, such as `Status`.'),
  queued: columnOf('waits'),
  running: columnOf('an agent works on'),
  review: columnOf('has its pull request open'),
  needs_human: columnOf('a person must decide on'),
  done: columnOf('is merged and verified'),
  add: z.boolean().default(false).describe('Whether an issue that is not in the project is put into it.'),
});

const Repo = z.strictObject({
  name: z.string().refine(isRepoName, 'write it as `owner/name`').describe('The repository, as `owner/name`.'),
  automation: z
    .enum(['dispatch_only', 'supervised', 'full'])
    .default('supervised')
    .describe(
      '`dispatch_only` opens pull requests and never merges; `supervised` merges what a trusted person approved; `full` merges what passes every gate.',
    ),
  trusted: z
    .union([z.literal('write'), z.array(login).min(1)])
    .default('write')
    .describe('Whose `ready` counts: `write` (everyone with write permission now), or a list of logins.'),
  ready: z
    .strictObject({
      label: line
        .max(50)
        .refine(isFreeLabel, 'must not have a meaning of its own (`hold`, `agentos:…`, `prio:…`, `type:…`, `agent:…`, `project …`)')
        .default('ready')
        .describe('The label that makes an issue Ready; at most 50 characters.'),
      project: projectNumber
        .optional()
        .describe(
          'In place of the label, on GitHub: the number of a project of the owner of the repository, a column of which makes an issue Ready.',
        ),
      field: columnName.optional().describe('The single-select field of that project, such as `Status`.'),
      value: columnName.optional().describe('The value of that field which makes an issue Ready, such as `Ready`.'),
    })
    .prefault({})
    .describe('What makes an issue Ready.'),
  board: Board.optional().describe('A project on GitHub that shows where tasks stand.'),
  base: line
    .refine(isBranchName, 'must be the name of a branch')
    .optional()
    .describe('The branch that work starts from and merges into; default: the default branch of the forge.'),
  setup: shellLines.describe('Shell lines that make a checkout ready to work in; run in the sandbox.'),
  verify: shellLines.describe('Shell lines that must pass on a fresh checkout of the tree to be pushed; run in the sandbox.'),
  protected_paths: z
    .array(glob)
    .default([])
    .describe('Globs of paths whose change needs approval by a person, added to the built-in list (`agentos config check` prints it).'),
  merge_method: z.enum(['squash', 'merge', 'rebase']).default('squash').describe('How a pull request is merged.'),
  max_open_pull_requests: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(5)
    .describe('No new task starts while this many of our pull requests are open.'),
  local_ci: shellLines.describe('Local forge only: shell lines that `agentos local ci` runs as checks on every pull request.'),
});

const Model = z.strictObject({
  provider: z.enum(['anthropic', 'openai', 'google', 'deepseek']).describe('Whose model it is, and so which protocol is spoken.'),
  model: line.max(200).describe('The name of the model, as the provider writes it.'),
  key_env: secretEnv.describe('Name of the environment variable that holds the key; the file never holds the key itself.'),
  base_url: modelUrl.optional().describe("Another address than the provider's own, for a proxy or a server that speaks its protocol."),
});

const chain = z.array(name).min(1);

const typeChains = TASK_TYPES.map((type) => [type, chain.optional().describe(`The chain for tasks of type \`${type}\`.`)] as const);

const Routing = z.strictObject({
  default: chain.describe('The chain for every task type that has none of its own.'),
  ...(Object.fromEntries(typeChains) as Record<(typeof TASK_TYPES)[number], z.ZodOptional<typeof chain>>),
});

/** What Git takes in an author line. */
const personal = line.max(200).refine((value) => !/[<>]/.test(value) && value.trim() === value, 'must not hold `<`, `>` or outer spaces');

/** The rules of git-check-ref-format(1), and no leading `-`. */
function isBranchName(value: string): boolean {
  return (
    value.length <= 200 &&
    !/^[-/]|\.\.|\/\/|\/\.|^\.|[\s~^:?*[\\]|@\{|[/.]$/.test(value) &&
    !value.split('/').some((part) => part.endsWith('.lock')) &&
    value !== '@'
  );
}

/** Labels that already mean something (docs/contracts.md, "On the forge"). */
function isFreeLabel(value: string): boolean {
  return value.trim() === value && !/^(?:hold$|agentos:|prio:|type:|agent:|project \d)/i.test(value);
}

/** The file, validated; paths are still as written. */
export const Config = z.strictObject({
  state_dir: line.default(DEFAULT_STATE_DIR).describe('Where mailbox, workspaces, mirrors, memory and events live; relative to this file.'),
  forge: Forge.describe('Where issues, pull requests and repositories live.'),
  repos: z.array(Repo).min(1).describe('The repositories to look after.'),
  agents: z.record(name, Agent).describe('The agent pool: a name of your choice and its kind.'),
  routing: Routing.describe('The chain of agents for each task type, tried in order.'),
  models: z
    .array(Model)
    .max(10)
    .default([])
    .describe('Language models that Agent OS itself asks, tried in order; without any it asks none.'),
  dispatch: z
    .strictObject({
      split_epics: z.boolean().default(true).describe('Whether an issue that a model finds too large for one task becomes several issues.'),
      auto_ready: z.boolean().default(false).describe('Whether those issues are made Ready at once; `false`: a person makes them so.'),
    })
    .prefault({})
    .describe('How issues become tasks, where `models` are configured.'),
  queue: z
    .strictObject({
      max_parallel: z.number().int().min(1).max(64).default(2).describe('Attempts that run at the same time.'),
      max_attempts: z.number().int().min(1).max(20).default(4).describe('Attempts of one task before a person must decide.'),
      max_infrastructure: z
        .number()
        .int()
        .min(1)
        .max(50)
        .default(5)
        .describe('Infrastructure failures in a row before a person must decide.'),
    })
    .prefault({})
    .describe('How much runs, and how often it is tried.'),
  budgets: Budgets.prefault({}).describe('What may be spent; without limits everything may. Amounts are in US dollars.'),
  prices: Prices.default({}).describe('Prices of models by name, where the built-in ones are missing or out of date.'),
  sandbox: Sandbox.prefault({}).describe('Where agents and project commands run.'),
  identity: z
    .strictObject({
      name: personal.default('Agent OS').describe('Author name of commits.'),
      email: personal.default('agentos@example.com').describe('Author address of commits.'),
    })
    .prefault({})
    .describe('Author of commits.'),
  groom: z
    .strictObject({
      apply: z.boolean().default(false).describe('Whether `groom` changes labels and writes one comment, or only reports.'),
      stale_days: z.number().int().min(1).default(90).describe('Days without activity of a person after which an issue counts as stale.'),
    })
    .prefault({})
    .describe('The backlog groomer.'),
  plan: z
    .strictObject({
      size: z.number().int().min(1).max(100).default(5).describe('Issues in one sprint.'),
      cadence_days: z.number().positive().max(365).default(7).describe('Days from one plan to the next.'),
      auto_ready: z.boolean().default(false).describe('Whether `plan` makes the selected issues Ready.'),
    })
    .prefault({})
    .describe('The strategic planner.'),
});

/** As written and validated. */
export type ConfigFile = z.infer<typeof Config>;

export type TaskType = (typeof TASK_TYPES)[number];
export type RepoConfig = ConfigFile['repos'][number];
export type AgentConfig = ConfigFile['agents'][string];
export type GitHubConfig = z.infer<typeof GitHubForge>;

/**
 * What the rest of the program sees: the file with absolute paths (`state_dir`,
 * `forge.root`, `forge.app.private_key_file`, `sandbox.readable`, the program of a `command` agent when it
 * holds a slash), frozen, and where it came from.
 */
export interface LoadedConfig extends ConfigFile {
  /** Absolute path of the file that was read. */
  readonly path: string;
}
