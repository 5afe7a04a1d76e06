import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type PlacedProblem, renderPath, toConfigError } from '../../../src/core/config/problem.ts';
import { makeConfigDirectory } from './config-directory.ts';

/** A file of one section a line, so that a case can replace one and know its line. */
const LINES = {
  state_dir: 'state_dir: ./state',
  forge: 'forge: { kind: local, root: ./forge }',
  repos: 'repos: [{ name: acme/shop }]',
  agents: 'agents: { patch: { kind: patch }, house: { kind: command, command: [house] } }',
  routing: 'routing: { default: [patch] }',
};

async function problemsOf(change: Partial<Record<keyof typeof LINES, string>>, more: string[] = []): Promise<string[]> {
  const dir = makeConfigDirectory();
  dir.write('config.yaml', `${[...Object.values({ ...LINES, ...change }), ...more].join('\n')}\n`);
  const lines = (await dir.fail()).message.split('\n');
  return lines.length === 1 ? lines : lines.slice(1);
}

const trustedHint = 'must be the login of one account (nobody is trusted by a pattern; `write` trusts everyone with write permission)';

describe('one problem', () => {
  test.each<[string, Partial<typeof LINES>, string]>([
    ['unknown key, near one', { state_dir: 'state_dri: x' }, 'config.yaml:1: state_dri: unknown key; did you mean `state_dir`?'],
    [
      'unknown key in an agent: the keys of its kind',
      { agents: 'agents: { patch: { kind: patch, comand: [x] } }' },
      'config.yaml:4: agents.patch.comand: unknown key; known here: `kind`, `timeout_minutes`, `silence_minutes`',
    ],
    [
      'a mistyped forge',
      { forge: 'forge: { kind: githbu }' },
      'config.yaml:2: forge.kind: expected `github` or `local`, found `githbu`; did you mean `github`?',
    ],
    [
      'checks of the local forge on GitHub',
      { forge: 'forge: { kind: github }', repos: 'repos: [{ name: acme/shop, local_ci: ["npm test"] }]' },
      'config.yaml:3: repos[0].local_ci: only for `forge.kind: local`; GitHub runs the checks of its repositories itself; remove the key',
    ],
    [
      'a column on the local forge',
      { repos: 'repos: [{ name: acme/shop, ready: { project: 4, field: Status, value: Ready } }]' },
      'config.yaml:3: repos[0].ready.project: only for `forge.kind: github`; the local forge has no projects; remove the key',
    ],
    [
      'a board on the local forge',
      { repos: 'repos: [{ name: acme/shop, board: { project: 4, field: Status, done: Done } }]' },
      'config.yaml:3: repos[0].board: only for `forge.kind: github`; the local forge has no projects; remove the key',
    ],
    [
      'half a column',
      { forge: 'forge: { kind: github }', repos: 'repos: [{ name: acme/shop, ready: { project: 4, field: Status } }]' },
      'config.yaml:3: repos[0].ready.value: missing; a column is `project`, `field` and `value`',
    ],
    [
      'a label and a column',
      {
        forge: 'forge: { kind: github }',
        repos: 'repos: [{ name: acme/shop, ready: { label: go, project: 4, field: Status, value: Ready } }]',
      },
      'config.yaml:3: repos[0].ready.label: either a label or a column of a project makes issues Ready; remove one',
    ],
    [
      'a column into which we would have to move a card',
      {
        forge: 'forge: { kind: github }',
        repos: 'repos: [{ name: acme/shop, ready: { project: 4, field: Status, value: Ready } }]',
        routing: 'routing: { default: [patch] }\nplan: { auto_ready: true }',
      },
      'config.yaml:6: plan.auto_ready: people alone move a card into the column that makes an issue Ready; write `false`, or let a label make issues Ready',
    ],
    [
      'a board that shows nothing',
      { forge: 'forge: { kind: github }', repos: 'repos: [{ name: acme/shop, board: { project: 4, field: Status } }]' },
      'config.yaml:3: repos[0].board: would show nothing; give one of `queued`, `running`, `review`, `needs_human`, `done`',
    ],
    [
      'a board that would take its tasks back',
      {
        forge: 'forge: { kind: github }',
        repos:
          'repos: [{ name: acme/shop, ready: { project: 4, field: Status, value: Ready }, board: { project: 4, field: status, running: Busy, done: Done } }]',
      },
      'config.yaml:3: repos[0].board.running: would move the card out of the column that makes the issue Ready, and so withdraw the task; only `done` goes with the same field',
    ],
    [
      'a board whose end is a new beginning',
      {
        forge: 'forge: { kind: github }',
        repos:
          'repos: [{ name: acme/shop, ready: { project: 4, field: Status, value: Ready }, board: { project: 4, field: Status, done: Ready } }]',
      },
      'config.yaml:3: repos[0].board.done: the column that makes the issue Ready; name the one for what is done',
    ],
    [
      'a state that nobody knows',
      {
        forge: 'forge: { kind: github }',
        repos: 'repos: [{ name: acme/shop, board: { project: 4, field: Status, done: Done, needs-human: Blocked } }]',
      },
      'config.yaml:3: repos[0].board.needs-human: unknown key; did you mean `needs_human`?',
    ],
    [
      'a key of the other forge',
      { forge: 'forge: { kind: github, root: ./forge }' },
      'config.yaml:2: forge.root: unknown key; known here: `kind`, `token_env`, `app`, `api_url`, `machine_account`, `writes`',
    ],
    [
      'half an app',
      { forge: 'forge: { kind: github, app: { id: 1, private_key_file: k.pem } }' },
      'config.yaml:2: forge.app.installation_id: missing; write a whole number of at least 1',
    ],
    [
      'faster than GitHub allows',
      { forge: 'forge: { kind: github, writes: { per_minute: 100 } }' },
      'config.yaml:2: forge.writes.per_minute: GitHub allows 80; write a whole number from 1 to 80',
    ],
    [
      'no name of a variable',
      { forge: 'forge: { kind: github, token_env: $GITHUB_TOKEN }' },
      'config.yaml:2: forge.token_env: must be the name of an environment variable, not `$GITHUB_TOKEN`',
    ],
    [
      'a mistyped kind',
      { agents: 'agents: { patch: { kind: pach } }' },
      'config.yaml:4: agents.patch.kind: expected `patch`, `command`, `claude`, `codex`, `gemini` or `api`, found `pach`; did you mean `patch`?',
    ],
    [
      'no kind',
      { agents: 'agents: { patch: {} }' },
      'config.yaml:4: agents.patch.kind: missing; write `patch`, `command`, `claude`, `codex`, `gemini` or `api`',
    ],
    [
      'a key in the place of its name',
      { agents: 'agents: { patch: { kind: claude, model: sonnet, key_env: sk-ant-api03-0123456789abcdef } }' },
      'config.yaml:4: agents.patch.key_env: put the token into an environment variable and write the name of that variable here, not what looks like a secret (not repeated here)',
    ],
    [
      'a model without encryption',
      { agents: 'agents: { patch: { kind: codex, model: m, base_url: "http://models.example" } }' },
      'config.yaml:4: agents.patch.base_url: must be an `https://` URL (`http://` for localhost alone) without user name, password, `?` and `#`, not `http://models.example`',
    ],
    ['a key of a missing section', { forge: '' }, 'config.yaml:1: forge: missing; write a mapping'],
    ['missing in a kind', { forge: 'forge: { kind: local }' }, 'config.yaml:2: forge.root: missing; write text'],
    ['empty text', { state_dir: 'state_dir: ""' }, 'config.yaml:1: state_dir: must not be empty'],
    [
      'a bare tilde',
      { state_dir: 'state_dir: ~' },
      'config.yaml:1: state_dir: expected text, found nothing; a bare `~` means nothing in YAML, put it in quotes',
    ],
    [
      'a line where a list is needed',
      { repos: 'repos: [{ name: acme/shop, verify: npm test }]' },
      'config.yaml:3: repos[0].verify: expected a list of text, found `npm test`; write `["npm test"]`',
    ],
    [
      'an empty value where a list is needed',
      { repos: 'repos: [{ name: acme/shop, verify: }]' },
      'config.yaml:3: repos[0].verify: expected a list of text, found nothing; write `[]` or remove the key',
    ],
    [
      'a wrong choice',
      { repos: 'repos: [{ name: acme/shop, automation: ful }]' },
      'config.yaml:3: repos[0].automation: expected `dispatch_only`, `supervised` or `full`, found `ful`; did you mean `full`?',
    ],
    ['a wrong entry', { repos: 'repos: [7]' }, 'config.yaml:3: repos[0]: expected a mapping, found `7`'],
    ['no repository', { repos: 'repos: []' }, 'config.yaml:3: repos: expected a non-empty list of mappings, found an empty list'],
    ['not a repository', { repos: 'repos: [{ name: shop }]' }, 'config.yaml:3: repos[0].name: write it as `owner/name`, not `shop`'],
    [
      'the same repository twice, in another case',
      { repos: 'repos: [{ name: acme/shop }, { name: Acme/Shop }]' },
      'config.yaml:3: repos[1].name: the same repository as repos[0]; remove one of them',
    ],
    [
      'everybody trusted',
      { repos: 'repos: [{ name: acme/shop, trusted: ["*"] }]' },
      `config.yaml:3: repos[0].trusted[0]: ${trustedHint}, not \`*\``,
    ],
    [
      'nobody trusted',
      { repos: 'repos: [{ name: acme/shop, trusted: [] }]' },
      'config.yaml:3: repos[0].trusted: expected `write` or a non-empty list of text, found an empty list',
    ],
    [
      'one login without a list',
      { repos: 'repos: [{ name: acme/shop, trusted: alice }]' },
      'config.yaml:3: repos[0].trusted: expected `write` or a non-empty list of text, found `alice`',
    ],
    [
      'a branch that Git would refuse',
      { repos: 'repos: [{ name: acme/shop, base: --upload-pack=x }]' },
      'config.yaml:3: repos[0].base: must be the name of a branch, not `--upload-pack=x`',
    ],
    [
      'a label with a meaning of its own',
      { repos: 'repos: [{ name: acme/shop, ready: { label: hold } }]' },
      'config.yaml:3: repos[0].ready.label: must not have a meaning of its own (`hold`, `agentos:…`, `prio:…`, `type:…`, `agent:…`, `project …`), not `hold`',
    ],
    [
      'a glob that can match nothing',
      { repos: 'repos: [{ name: acme/shop, protected_paths: [/deploy/**] }]' },
      'config.yaml:3: repos[0].protected_paths[0]: must be a glob relative to the top of the repository, without leading `/`, `./`, `!` or `..`, not `/deploy/**`',
    ],
    [
      'out of bounds',
      { repos: 'repos: [{ name: acme/shop, max_open_pull_requests: 0 }]' },
      'config.yaml:3: repos[0].max_open_pull_requests: expected a whole number from 1 to 100, found `0`',
    ],
    [
      'no number',
      { agents: 'agents: { patch: { kind: patch, timeout_minutes: .nan } }' },
      'config.yaml:4: agents.patch.timeout_minutes: expected a number above 0 and at most 1440, found `NaN`',
    ],
    [
      'a name that is none',
      { agents: 'agents: { patch: { kind: patch }, House: { kind: patch } }' },
      'config.yaml:4: agents.House: cannot be a name: use lower case letters, digits, `-` and `_`, starting with a letter',
    ],
    [
      'an agent nobody defined',
      { routing: 'routing: { default: [patch], docs: [hous] }' },
      'config.yaml:5: routing.docs[0]: no agent of this name under `agents`; did you mean `house`?',
    ],
    [
      'an agent like nothing defined',
      { routing: 'routing: { default: [constructor] }' },
      'config.yaml:5: routing.default[0]: no agent of this name under `agents`; defined: `patch` or `house`',
    ],
    [
      'an empty chain',
      { routing: 'routing: { default: [] }' },
      'config.yaml:5: routing.default: expected a non-empty list of text, found an empty list',
    ],
    [
      'terminal codes in what was written are not repeated',
      { state_dir: 'state_dir: ./state\n"a\u009b31mb\u202e": 1' },
      'config.yaml:2: ab: unknown key; known here: `state_dir`, `forge`, `repos`, `agents`, `routing`, `models`, `dispatch`, `queue`, `budgets`, `prices`, `sandbox`, `identity`, `groom`, `plan`',
    ],
  ])('%s', async (_, change, expected) => {
    expect((await problemsOf(change))[0]?.replace('["ab"]', 'ab')).toBe(expected);
    expect(await problemsOf(change)).toHaveLength(1);
  });

  test.each([
    ['providers: []', 'providers: unknown key; known here:'],
    ['models: [{ provider: openai, model: m, key_env: sk-abcdef }]', 'models[0].key_env: put the token into an environment variable'],
    [
      'models: [{ provider: openai, model: m, key_env: KEY, base_url: "http://example.org" }]',
      'models[0].base_url: must be an `https://` URL (`http://` for localhost alone) without user name',
    ],
    ['budgets: { per_day_usd: 0 }', 'budgets.per_day_usd: expected a number above 0 and at most 1000000, found `0`'],
    [
      'budgets: { per_agent_month_usd: { claud: 5 } }',
      'budgets.per_agent_month_usd.claud: no agent of this name under `agents`; defined: `patch`',
    ],
    ['prices: { m: { input: 1 } }', 'prices.m.output: missing'],
    ['sandbox: { network: ["https://example.org"] }', 'sandbox.network[0]: must be a host such as'],
    ['sandbox: { network: ["example.org:99999999"] }', 'sandbox.network[0]: must be a host such as'],
    ['sandbox: { network: ["exa*mple.org"] }', 'sandbox.network[0]: must be a host such as'],
    ['groom: { apply: "yes" }', 'groom.apply: expected `true` or `false`, found `yes`'],
    ['identity: { name: 5 }', 'identity.name: expected text, found `5`; put it in quotes'],
    ['identity: { email: "a<b>" }', 'identity.email: must not hold `<`, `>` or outer spaces, not `a<b>`'],
    ['plan:', 'plan: expected a mapping, found nothing; give it a value or remove the key'],
    ['queue: { max_parallel: "2" }', 'queue.max_parallel: expected a whole number from 1 to 64, found `2`'],
  ])('%s', async (line, expected) => {
    const problems = await problemsOf({}, [line]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`config.yaml:6: ${expected}`);
  });
});

describe('secrets in the file', () => {
  const SECRET = 'a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6a7b8c9d0';
  const WHAT =
    'put the token into an environment variable and write the name of that variable here, not what looks like a secret (not repeated here)';
  test.each([`ghp_${SECRET}`, `github_pat_11AAAAAAA0${SECRET}`, `gho_${SECRET}`, `ghs_1234_eyJhbGciOiJ.${SECRET}`, SECRET])(
    'a token where its name belongs is refused and not repeated: %s',
    async (token) => {
      const problems = await problemsOf({ forge: `forge: { kind: github, token_env: ${token} }` });
      expect(problems).toEqual([`config.yaml:2: forge.token_env: ${WHAT}`]);
    },
  );

  test.each(['token', 'token_env: GITHUB_TOKEN, password', 'app'])('a token under `%s` is not repeated either', async (key) => {
    const problems = await problemsOf({ forge: `forge: { kind: github, ${key}: ghp_${SECRET} }` });
    expect(problems.join()).toMatch(/unknown key|expected a mapping/);
    expect(problems.join()).not.toContain(SECRET);
  });

  test('nor is a password in the URL', async () => {
    const [problem] = await problemsOf({ forge: 'forge: { kind: github, api_url: "https://me:hunter2@github.example.com/api/v3" }' });
    expect(problem).toContain('must hold no user name and no password');
    expect(problem).not.toContain('hunter2');
  });
});

describe('forge.api_url', () => {
  test.each([
    ['https://github.com', 'write `https://api.github.com`'],
    ['https://www.github.com/', 'write `https://api.github.com`'],
    ['https://github.com/acme/shop', 'write `https://api.github.com`'],
    ['https://api.github.com/graphql', 'write `https://api.github.com`'],
    ['https://api.github.com/api/v3', 'write `https://api.github.com`'],
    ['https://github.example.com', 'write `https://github.example.com/api/v3`'],
    ['https://github.example.com:8443/api', 'write `https://github.example.com:8443/api/v3`'],
    ['https://github.example.com/api/graphql', 'write `https://github.example.com/api/v3`'],
    ['https://octo.ghe.com', 'write `https://api.octo.ghe.com`'],
    ['http://github.example.com/api/v3', 'must begin with `https://`'],
    ['http://127.0.0.1.example.com/', 'must begin with `https://`'],
    ['https://api.github.com?x=1', 'must hold no `?`'],
    ['api.github.com', 'must be the URL of the REST API'],
    ['file:///etc', 'must be the URL of the REST API'],
  ])('%s', async (url, what) => {
    const problems = await problemsOf({ forge: `forge: { kind: github, api_url: "${url}" }` });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('config.yaml:2: forge.api_url: ');
    expect(problems[0]).toContain(what);
  });

  test.each([
    'https://api.github.com/',
    'https://github.example.com/api/v3',
    'https://api.octo.ghe.com',
    'http://127.0.0.1:4000',
    'http://localhost:4000/api/v3',
    'http://[::1]:1',
  ])('%s is fine', async (url) => {
    const dir = makeConfigDirectory();
    dir.write('config.yaml', `${Object.values({ ...LINES, forge: `forge: { kind: github, api_url: "${url}" }` }).join('\n')}\n`);
    expect((await dir.load()).forge).toMatchObject({ api_url: url.replace(/\/$/, '') });
  });
});

describe('places that must stay apart', () => {
  test('the private key of the app is not shown to agents', async () => {
    const forge = 'forge: { kind: github, app: { id: 1, installation_id: 2, private_key_file: keys/app.pem } }';
    expect(await problemsOf({ forge }, ['sandbox: { readable: [./keys] }'])).toEqual([
      'config.yaml:6: sandbox.readable[0]: would show `forge.app.private_key_file` to agents; name a narrower path',
    ]);
  });

  test.each<[string, string[]]>([
    ['/', ['config.yaml:6: sandbox.readable[0]: would show `state_dir` to agents; name a narrower path']],
    ['.', ['config.yaml:6: sandbox.readable[0]: would show `state_dir` to agents; name a narrower path']],
    ['./state', ['config.yaml:6: sandbox.readable[0]: would show `state_dir` to agents; name a narrower path']],
    ['./state/mailbox', ['config.yaml:6: sandbox.readable[0]: lies in `state_dir`, which agents must not see; remove it']],
    ['./forge', ['config.yaml:6: sandbox.readable[0]: would show `forge.root` to agents; name a narrower path']],
    ['forge/acme', ['config.yaml:6: sandbox.readable[0]: lies in `forge.root`, which agents must not see; remove it']],
    ['~/', ['config.yaml:6: sandbox.readable[0]: would show your home directory to agents; name a narrower path']],
    ['config.yaml', ['config.yaml:6: sandbox.readable[0]: would show this file to agents; name a narrower path']],
    ['~root/x', ['config.yaml:6: sandbox.readable[0]: `~user` is not available; write an absolute path']],
  ])('sandbox.readable %s', async (path, expected) => {
    expect(await problemsOf({}, [`sandbox: { readable: [${JSON.stringify(path)}] }`])).toEqual(expected);
  });

  test('names that only begin alike, and directories below home, are fine', async () => {
    const dir = makeConfigDirectory();
    dir.write(
      'config.yaml',
      `${Object.values(LINES).join('\n')}\nsandbox: { readable: [./state2, ./forge-tools, ~/.nvm, config.yaml.d] }\n`,
    );
    expect((await dir.load()).sandbox.readable).toHaveLength(4);
  });

  test('a symbolic link does not hide where a path leads', async () => {
    const dir = makeConfigDirectory();
    mkdirSync(join(dir.root, 'state', 'mailbox'), { recursive: true });
    symlinkSync('state/mailbox', join(dir.root, 'harmless'));
    dir.write('config.yaml', `${Object.values(LINES).join('\n')}\nsandbox: { readable: [./harmless] }\n`);
    expect((await dir.fail()).message).toBe(
      'config.yaml:6: sandbox.readable[0]: lies in `state_dir`, which agents must not see; remove it',
    );
  });

  test.each([
    ['./state', './state'],
    ['./state', './state/forge'],
    ['./forge/state', './forge'],
  ])('state_dir %s and forge.root %s', async (state, forge) => {
    expect(await problemsOf({ state_dir: `state_dir: ${state}`, forge: `forge: { kind: local, root: ${forge} }` })).toEqual([
      'config.yaml:2: forge.root: `state_dir` and `forge.root` must not lie in each other; choose two separate directories',
    ]);
  });

  test.each(['"~"', '/', '.'])('state_dir %s holds the home directory', async (state) => {
    expect(await problemsOf({ state_dir: `state_dir: ${state}`, forge: 'forge: { kind: local, root: ~/forge }' })).toContain(
      'config.yaml:1: state_dir: must be a directory of its own, not your home directory or one above it',
    );
  });
});

describe('many problems', () => {
  test('all are reported together: syntax that can be read past, schema and rules, in the order of the file', async () => {
    const dir = makeConfigDirectory();
    dir.write(
      'config.yaml',
      `state_dri: ./state
forge: { kind: local }
repos:
  - name: acme/shop
    verfiy: [npm test]
    base: *main
  - name: ACME/shop
    setup: !!binary aGk=
agents:
  patch: { kind: patch, timeout_minutes: 0 }
routing:
  default: [patc]
  docs: [patch]
  docs: [patch]
`,
    );
    expect((await dir.fail()).message.split('\n')).toEqual([
      '10 problems in the configuration',
      'config.yaml:1: state_dri: unknown key; did you mean `state_dir`?',
      'config.yaml:2: forge.root: missing; write text',
      'config.yaml:5: repos[0].verfiy: unknown key; did you mean `verify`?',
      'config.yaml:6: repos[0].base: aliases are not available; write the value of `*main` out',
      'config.yaml:7: repos[1].name: the same repository as repos[0]; remove one of them',
      'config.yaml:8: tags are not available (Unresolved tag: tag:yaml.org,2002:binary); write a plain value',
      expect.stringContaining('config.yaml:8: repos[1].setup: expected a list of text'),
      'config.yaml:10: agents.patch.timeout_minutes: expected a number above 0 and at most 1440, found `0`',
      'config.yaml:12: routing.default[0]: no agent of this name under `agents`; did you mean `patch`?',
      'config.yaml:14: the same key stands twice in one mapping; remove one of them',
    ]);
  });

  test('beyond fifty they are counted', () => {
    const problems: PlacedProblem[] = Array.from({ length: 60 }, (_, index) => ({ line: index + 1, path: ['a'], what: 'wrong' }));
    const lines = toConfigError('c.yaml', problems).message.split('\n');
    expect(lines).toHaveLength(52);
    expect(lines[0]).toBe('60 problems in the configuration');
    expect(lines.at(-1)).toBe('and 10 more');
  });

  test('a path reads as it would be written in code', () => {
    expect(renderPath(['repos', 0, 'ready', 'label'])).toBe('repos[0].ready.label');
    expect(renderPath(['agents', 'a b\u001b[31m'])).toBe('agents["a b"]');
  });
});
