/**
 * The changes that an issue's text carries (docs/contracts.md, "Agent contract"):
 * fenced blocks with `diff` or `patch` as first word, and fenced blocks whose
 * info string has `file=PATH`, which hold the whole file and win over the
 * language. Read with a Markdown parser, never by pattern. Pure.
 */
import type { Code, Nodes } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';

export type IssueBlock =
  /** `line`: where the block begins in the text, from 1. */
  { kind: 'diff'; line: number; text: string } | { kind: 'file'; line: number; path: string; text: string };

/** The blocks in the order of the text. */
export function parseIssueBlocks(markdown: string): IssueBlock[] {
  const root = fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
  return listCode(root).flatMap(toBlock);
}

function listCode(node: Nodes): Code[] {
  if (node.type === 'code') return [node];
  return 'children' in node ? node.children.flatMap((child) => listCode(child)) : [];
}

function toBlock(code: Code): IssueBlock[] {
  const line = code.position?.start.line ?? 0;
  const info = [code.lang ?? '', code.meta ?? ''].join(' ').trim();
  const path = /(?:^|[\s{,])file=(?:"([^"]*)"|'([^']*)'|([^\s}]+))/
    .exec(info)
    ?.slice(1)
    .find((match) => match !== undefined);
  const text = code.value.replace(/\r\n?/g, '\n');
  if (path !== undefined) return [{ kind: 'file', line, path, text: text === '' ? '' : `${text}\n` }];
  return /^(?:diff|patch)$/i.test(code.lang ?? '') ? [{ kind: 'diff', line, text }] : [];
}
