/**
 * docs/architecture.md as a test: who may import whom, which files are pure,
 * where vendor packages may appear, how long a file may be. esbuild lists the
 * imports (static, dynamic and of types alike); function length and cycles are
 * biome's (`biome.json`).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../src/', import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .sort();

/** Files that are synchronous and touch nothing: stages of commands, and the pure parts of core. */
const PURE = [
  /^commands\/[^/]+\/(policy|format|classify|start|outcome|report|prompt|reviews|statistics|similarity|detect|fingerprint|requirements|proposal|score|activity|filed|marker|doctor-github|refine-(answer|prompt|text)|render[a-z-]*)\.ts$/,
  /^core\/(ids|text|untrusted|model-key|front-matter|front-matter-yaml|statistics|errors)\.ts$/,
  /^core\/config\/(schema|agent-schema|budget-schema|fields|paths|describe|select-repos|shape|api-url|secret-shape|sandbox|project-rules)\.ts$/,
  /^core\/events\/event\.ts$/,
  /^core\/markdown\/[a-z-]+\.ts$/,
  /^core\/mailbox\/(mailbox|task|message|reclaim)\.ts$/,
  /^core\/github\/(github|labels|board|readiness|dependencies|status-comment|quiet-title|local\/(records|fields|sections))\.ts$/,
  /^core\/github\/octokit\/(issue-query|decide-pages|repository-part|projects\/(board-query|ready-column))\.ts$/,
  /^core\/github\/octokit\/(answer|to-issue|to-pull|check-runs|failure|client\/request-names|text-limits)\.ts$/,
  /^core\/git\/(git|tree-policy|glob|protected-paths|names)\.ts$/,
  /^core\/models\/(models|provider-error|extract-json|fit-text)\.ts$/,
  /^core\/budget\/(prices|ledger|book-lines|judge-books)\.ts$/,
  /^core\/gateway\/(gateway|admit|classify|json-size|provider-reach|purse|read-answer|read-question|redact|refusal|usage)\.ts$/,
  /^core\/agents\/cli\/(cli-kinds?|claude|codex|gemini)\.ts$/,
  /^core\/agents\/api\/(api-kind|chat-model|compact|conversation|events|repeats|system-prompt|tool-forms)\.ts$/,
  /^core\/agents\/(agent|report|result|result-sections|issue-blocks|unified-diff)\.ts$/,
  /^core\/(effects\/(effects|decide-effect)|sandbox\/sandbox|routing\/(chain|breaker|choose)|memory\/(entries|render)|fsck\/(snapshot|([a-z]+-)?invariants))\.ts$/,
];

/** Which files may import a vendor package. A package that is not listed may be used anywhere in core and commands. */
const FENCES: Record<string, RegExp> = {
  commander: /^(program\.ts|commands\/(operator|local)\/[^/]+\.ts)$/,
  execa: /^core\/process\.ts$/,
  'simple-git': /^core\/git\/simple-git\.ts$/,
  '@anthropic-ai/sdk': /^core\/(models\/anthropic|agents\/api\/anthropic-chat)\.ts$/,
  openai: /^core\/(models\/openai|agents\/api\/openai-chat)\.ts$/,
  '@google/generative-ai': /^core\/(models\/google|agents\/api\/google-chat)\.ts$/,
  pino: /^core\/events\/log\.ts$/,
  ...Object.fromEntries(
    ['core', 'auth-app', 'plugin-paginate-rest', 'request-error', 'types', 'graphql-schema'].map((name) => [
      `@octokit/${name}`,
      /^core\/github\/octokit\//,
    ]),
  ),
};
const PURE_PACKAGES = /^(zod|yaml|mdast|mdast-util-from-markdown|mdast-util-gfm|micromark-extension-gfm)$/;

interface Import {
  /** As written. */
  spec: string;
  /** Relative to src/, for our own files. */
  target?: string;
  kind: string;
  /** True for `import type`. */
  type: boolean;
}

const imports = new Map<string, Import[]>();

beforeAll(async () => {
  for (const file of files) imports.set(file, await listImports(file));
});

describe('architecture', () => {
  it.each(files)('%s', (file) => {
    const problems = (imports.get(file) ?? []).flatMap((one) => judgeImport(file, one));
    expect([...problems, ...judgeSource(file, readFileSync(root + file, 'utf8'))]).toEqual([]);
  });

  it('finds static, dynamic and type imports', async () => {
    const found = imports.get('context.ts') ?? [];
    expect(found.some((one) => one.target === 'core/clock.ts' && !one.type)).toBe(true);
    expect(found.some((one) => one.kind === 'dynamic-import' && one.target === 'core/mailbox/maildir.ts')).toBe(true);
    expect(found.some((one) => one.type && one.target === 'core/ports.ts')).toBe(true);
  });

  it('catches what it forbids', () => {
    const to = (target: string): Import => ({ spec: './x', target, kind: 'import-statement', type: false });
    const of = (spec: string): Import => ({ spec, kind: 'import-statement', type: false });
    expect(judgeImport('core/text.ts', of('node:fs'))).toHaveLength(1);
    expect(judgeImport('core/lock.ts', to('commands/run-command.ts'))).toHaveLength(1);
    expect(judgeImport('commands/plan/command.ts', to('commands/queue/policy.ts'))).toHaveLength(1);
    expect(judgeImport('commands/plan/command.ts', of('commander'))).toHaveLength(1);
    expect(judgeImport('core/git/open-git.ts', of('simple-git'))).toHaveLength(1);
    expect(judgeImport('main.ts', to('program.ts'))).toHaveLength(1);
    expect(judgeImport('commands/queue/policy.ts', to('commands/queue/gather.ts'))).toHaveLength(1);
    expect(judgeSource('core/text.ts', 'export const at = Date.now();')).toHaveLength(1);
    expect(judgeSource('core/lock.ts', 'x\n'.repeat(400))).toHaveLength(1);
    expect(judgeSource('core/utils.ts', '')).toHaveLength(1);
    expect(judgeSource('core/lock.ts', 'export default 1;')).toHaveLength(1);
  });
});

function judgeImport(file: string, { spec, target, type }: Import): string[] {
  const problems: string[] = [];
  const pack = packageOf(spec);
  if (target === undefined && FENCES[pack] && !FENCES[pack].test(file)) problems.push(`${pack} is fenced to ${FENCES[pack]}`);
  if (isPure(file) && !type) {
    if (target === undefined && !PURE_PACKAGES.test(pack)) problems.push(`a pure file imports ${spec}`);
    if (target !== undefined && !isPure(target)) problems.push(`a pure file imports ${target}, which is not pure`);
  }
  if (target === undefined) return problems;
  if (file.startsWith('core/') && !target.startsWith('core/')) problems.push(`core imports ${target}`);
  const mine = folderOf(file);
  const theirs = folderOf(target);
  if (mine !== undefined && theirs !== undefined && mine !== theirs) problems.push(`command ${mine} imports command ${theirs}`);
  if (mine !== undefined && theirs === undefined && !/^(core\/|commands\/run-command\.ts$)/.test(target))
    problems.push(`a command imports ${target}`);
  if (/^commands\/[^/]+\/command\.ts$/.test(target) && !['cli.ts', 'program.ts'].includes(file))
    problems.push(`only cli.ts and program.ts import ${target}`);
  if (file === 'main.ts' && !/^(cli\.ts|core\/)/.test(target)) problems.push(`main.ts imports ${target}`);
  return problems;
}

function judgeSource(file: string, source: string): string[] {
  const problems: string[] = [];
  const length = source.trimEnd().split('\n').length;
  if (length > 300) problems.push(`${length} lines; at most 300`);
  if (!/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(posix.basename(file))) problems.push('not kebab-case');
  if (/(^|\/)(index|utils?|helpers?|managers?|services?|handlers?|common|misc)\.ts$/.test(file))
    problems.push('says nothing about what it holds');
  if (/^export (default|\* from)\b/m.test(source)) problems.push('default exports and barrels are not used here');
  if (
    isPure(file) &&
    /\bDate\.now\(|new Date\(\)|Math\.random\(|\bprocess\.(?!env\.AGENTOS_BUILD)|\basync |\bawait /.test(withoutComments(source))
  ) {
    problems.push('a pure file reads the clock, chance or the process, or waits');
  }
  if (file !== 'main.ts' && /\bprocess\.exit\(/.test(withoutComments(source).replace(/`[^`]*`|'[^'\n]*'/g, '')))
    problems.push('only main.ts ends the process');
  return problems;
}

function isPure(file: string): boolean {
  return PURE.some((pattern) => pattern.test(file));
}

function folderOf(file: string): string | undefined {
  return /^commands\/([^/]+)\//.exec(file)?.[1];
}

function packageOf(spec: string): string {
  return spec.startsWith('@') ? spec.split('/').slice(0, 2).join('/') : (spec.split('/')[0] ?? spec);
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
}

/** esbuild forgets `import type`, so those lines are shown to it as plain imports, on a second reading. */
async function listImports(file: string): Promise<Import[]> {
  const source = readFileSync(root + file, 'utf8');
  const all = await scan(file, source.replace(/^(import|export) type (?=[{*])/gm, '$1 '));
  const values = new Set((await scan(file, source)).map((one) => one.spec));
  return all.map((one) => ({ ...one, type: !values.has(one.spec) }));
}

async function scan(file: string, contents: string): Promise<Omit<Import, 'type'>[]> {
  const found: Omit<Import, 'type'>[] = [];
  await build({
    stdin: { contents, loader: 'ts', sourcefile: file },
    bundle: true,
    write: false,
    format: 'esm',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    plugins: [
      {
        name: 'list',
        setup(plugin) {
          plugin.onResolve({ filter: /.*/ }, ({ path, kind }) => {
            if (kind === 'entry-point') return undefined;
            const target = path.startsWith('.') ? posix.join(posix.dirname(file), path) : undefined;
            found.push({ spec: path, kind, ...(target !== undefined && { target }) });
            return { path, external: true };
          });
        },
      },
    ],
  });
  return found;
}
