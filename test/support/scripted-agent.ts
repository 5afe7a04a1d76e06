/** A world whose agents do what the test says, attempt by attempt, and a forge in the hands of a person. */
import { type LocalForge, openLocalForge } from '../../src/core/github/local/forge.ts';
import { REPO, World, type WorldOptions } from './world.ts';

const REPORT = 'STATUS: complete\nBLOCKER_CODE: none\n\nSUMMARY:\nDid what was asked.\n';

export interface ScriptedOptions extends Pick<WorldOptions, 'files'> {
  /** More keys of the repository. */
  repo?: string;
  /** More keys of the configuration. */
  more?: string;
}

/** Two agents, `one` and `two`; the check `lint` is red while a file BAD is there. */
export function openScripted(options: ScriptedOptions = {}): World {
  const world = World.open({
    config: `repos: [{ name: ${REPO} }]\nagents: { patch: { kind: patch } }\nrouting: { default: [patch] }\n`,
    files: options.files ?? { 'a.txt': 'a\n', 'lint.sh': 'if [ -e BAD ]; then echo "BAD is there"; exit 1; fi\n' },
  });
  const command = `{ kind: command, command: ["/bin/sh", "${world.path('agent.sh')}"] }`;
  world.write(
    'config.yaml',
    `state_dir: ./state
forge: { kind: local, root: ./forge }
repos:
  - name: ${REPO}
    automation: full
    verify: ["true"]
    local_ci: ["sh lint.sh"]
${options.repo ?? ''}agents:
  one: ${command}
  two: ${command}
routing: { default: [one, two] }
sandbox: { mode: "off" }
${options.more ?? ''}`,
  );
  world.write('agent.sh', `. "${world.dir}/plan.$AGENTOS_ATTEMPT"\n`);
  for (let attempt = 1; attempt <= 8; attempt++) act(world, attempt, `echo ${attempt} > file$AGENTOS_TASK_ID.txt`);
  return world;
}

/** What the agent of this attempt does; it reports success afterwards. */
export function act(world: World, attempt: number, script: string): void {
  world.write(`plan.${attempt}`, `${script}\ncat > "$AGENTOS_RESULT_FILE" <<'END'\n${REPORT}END\n`);
}

export function forgeAs(world: World, login = 'operator'): LocalForge {
  return openLocalForge({ root: world.path('forge'), clock: { now: () => new Date() }, as: login, localCi: {} });
}

/** A person merges a pull request by hand. */
export async function mergeByHand(world: World, number: number, method: 'merge' | 'squash' = 'merge'): Promise<void> {
  const forge = forgeAs(world);
  const { headSha } = await forge.getPullRequest(REPO, number);
  await forge.mergePullRequest(REPO, number, { method, expectedHeadSha: headSha, title: `Merge #${number}`, message: '' });
}
