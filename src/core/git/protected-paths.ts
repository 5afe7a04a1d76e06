/**
 * The built-in list of paths whose change needs a person (docs/threat-model.md,
 * "What a change may contain"). They execute, configure tools or agents, or decide who may
 * do what. Pure.
 */

export interface ProtectedGlob {
  glob: string;
  why: string;
}

const LISTS: Record<string, readonly string[]> = {
  'CI and rules of the forge': ['.github/**', '.gitlab-ci.yml', '**/CODEOWNERS', '**/SECURITY.md'],
  'hidden at the top level': ['.*', '.*/**'],
  'steers agents': [
    '**/AGENTS.md',
    '**/CLAUDE.md',
    '**/GEMINI.md',
    '**/.claude/**',
    '**/.codex/**',
    '**/.gemini/**',
    '**/.cursor/**',
    '**/.mcp.json',
  ],
  'configures git or the package manager': [
    '**/.gitattributes',
    '**/.gitmodules',
    '**/.npmrc',
    '**/.yarnrc*',
    '**/bunfig.toml',
    '**/pnpm-workspace.yaml',
    '**/.pnpmfile.cjs',
    '**/pip.conf',
    '**/.cargo/**',
  ],
  'locks dependencies': [
    '**/package-lock.json',
    '**/npm-shrinkwrap.json',
    '**/yarn.lock',
    '**/pnpm-lock.yaml',
    '**/bun.lock',
    '**/bun.lockb',
    '**/deno.lock',
    '**/Cargo.lock',
    '**/poetry.lock',
    '**/uv.lock',
    '**/Pipfile.lock',
    '**/Gemfile.lock',
    '**/composer.lock',
    '**/go.sum',
    '**/flake.lock',
  ],
  'declares dependencies or build steps': [
    '**/Cargo.toml',
    '**/pyproject.toml',
    '**/requirements*.txt',
    '**/setup.py',
    '**/setup.cfg',
    '**/Pipfile',
    '**/Gemfile',
    '**/*.gemspec',
    '**/composer.json',
    '**/go.mod',
    '**/pom.xml',
    '**/*.gradle',
    '**/*.gradle.kts',
    '**/build.rs',
    '**/*.csproj',
    '**/deno.json*',
  ],
  'is executed by people or by CI': [
    '**/Makefile',
    '**/GNUmakefile',
    '**/*.mk',
    '**/justfile',
    '**/CMakeLists.txt',
    '**/Dockerfile*',
    '**/*.dockerfile',
    '**/docker-compose*.y*ml',
    '**/compose.y*ml',
    '**/Jenkinsfile',
    '**/Vagrantfile',
    '**/Rakefile',
    '**/Procfile',
    '**/*.sh',
    '**/*.bash',
    '**/*.zsh',
    '**/*.ps1',
    '**/*.bat',
    '**/*.cmd',
  ],
  'configures tests, lint or build': [
    '**/*.config.js',
    '**/*.config.cjs',
    '**/*.config.mjs',
    '**/*.config.ts',
    '**/*.config.cts',
    '**/*.config.mts',
    '**/tsconfig*.json',
    '**/biome.json*',
    '**/.eslintrc*',
    '**/.babelrc*',
    '**/.mocharc*',
    '**/.swcrc',
    '**/gulpfile.*',
    '**/Gruntfile.*',
    '**/tox.ini',
    '**/pytest.ini',
    '**/conftest.py',
    '**/noxfile.py',
  ],
  'migrates data': ['**/migrations/**', '**/migrate/**'],
};

/** Globs with the reason for each, in a readable order, as `agentos config check` prints them. */
export const BUILT_IN_PROTECTED: readonly ProtectedGlob[] = Object.entries(LISTS).flatMap(([why, globs]) =>
  globs.map((glob) => ({ glob, why })),
);

/** Deleting one of these is deleting a test. */
export const TEST_GLOBS: readonly string[] = [
  'test/**',
  'tests/**',
  'spec/**',
  '**/test/**',
  '**/tests/**',
  '**/__tests__/**',
  '**/spec/**',
  '**/*.test.*',
  '**/*.spec.*',
  '**/*_test.*',
  '**/*_spec.*',
  '**/test_*.py',
  '**/*Test.java',
  '**/*Tests.cs',
];

/** Keys of `package.json` that decide what is installed or run. */
const MANIFEST_KEYS: readonly string[] = [
  'scripts',
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
  'bundleDependencies',
  'bundledDependencies',
  'overrides',
  'resolutions',
  'bin',
  'exports',
  'imports',
  'main',
  'type',
  'engines',
  'packageManager',
  'workspaces',
  'pnpm',
  'config',
  'gypfile',
];

/**
 * True when a listed key of a `package.json` differs between two texts, `undefined`
 * where there is no file. A text that cannot be read as an object differs.
 */
export function manifestDiffers(before: string | undefined, after: string | undefined): boolean {
  const old = before === undefined ? {} : parseObject(before);
  const now = after === undefined ? {} : parseObject(after);
  if (!old || !now) return true;
  return MANIFEST_KEYS.some((key) => JSON.stringify(old[key]) !== JSON.stringify(now[key]));
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
