/** Every command-line agent: a new one takes a file beside this and a line here (docs/agents.md, "Add an agent"). Pure. */
import { claude } from './claude.ts';
import type { ListedCliKind } from './cli-kind.ts';
import { codex } from './codex.ts';
import { gemini } from './gemini.ts';

export const CLI_KINDS = { claude, codex, gemini } satisfies Record<string, ListedCliKind>;

export type CliKindName = keyof typeof CLI_KINDS;
