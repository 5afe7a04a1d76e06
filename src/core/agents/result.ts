/**
 * The result contract of every agent (docs/contracts.md, "Agent contract"): one list of
 * sections from which the template for the prompt, the parser and the renderer
 * come. What an agent writes is data: cleaned, bounded, and able to lower an
 * outcome, never to raise it. Pure.
 */
import { AgentOsError } from '../errors.ts';
import { cleanLine, cleanText, truncate } from '../text.ts';
import { splitSections } from './result-sections.ts';

const RESULT_STATUSES = ['complete', 'partial', 'blocked'] as const;
export const BLOCKER_CODES = [
  'missing_context',
  'missing_credentials',
  'environment_failure',
  'dependency_blocked',
  'quota_limited',
  'test_failure',
  'manual_intervention_required',
] as const;

type ResultStatus = (typeof RESULT_STATUSES)[number];
type BlockerCode = (typeof BLOCKER_CODES)[number];

/** The file of an attempt, read. Texts are cleaned; lists hold one line each, `none` is an empty list. */
export interface AgentResult {
  status: ResultStatus;
  /** Always there unless complete. */
  blockerCode?: BlockerCode;
  summary: string;
  done: string[];
  blockers: string[];
  nextStep: string;
  filesChanged: string[];
  testsRun: string[];
  decisions: string[];
  risks: string[];
  attemptedApproaches: string[];
  manualSteps: string[];
  /** Sections that the contract does not know, in order. */
  notes: { title: string; text: string }[];
}

/** Largest result file, in bytes. */
export const RESULT_LIMIT_BYTES = 64 * 1024;

type TextField = 'summary' | 'nextStep';
type ListField = 'done' | 'blockers' | 'filesChanged' | 'testsRun' | 'decisions' | 'risks' | 'attemptedApproaches' | 'manualSteps';

interface SectionBase {
  key: string;
  /** What stands in the template; an agent that leaves it there has answered nothing. */
  placeholder: string;
}
type Section =
  | (SectionBase & { kind: 'enum'; field: 'status' | 'blockerCode'; values: readonly string[] })
  | (SectionBase & { kind: 'text'; field: TextField })
  | (SectionBase & { kind: 'list'; field: ListField });

const SECTIONS: readonly Section[] = [
  { key: 'STATUS', kind: 'enum', field: 'status', values: RESULT_STATUSES, placeholder: `<one of: ${RESULT_STATUSES.join(', ')}>` },
  {
    key: 'BLOCKER_CODE',
    kind: 'enum',
    field: 'blockerCode',
    values: BLOCKER_CODES,
    placeholder: `<none when complete, otherwise one of: ${BLOCKER_CODES.join(', ')}>`,
  },
  { key: 'SUMMARY', kind: 'text', field: 'summary', placeholder: '<what was done, in a paragraph>' },
  { key: 'DONE', kind: 'list', field: 'done', placeholder: '<one thing that is finished>' },
  { key: 'BLOCKERS', kind: 'list', field: 'blockers', placeholder: '<what stands in the way, or none>' },
  { key: 'NEXT_STEP', kind: 'text', field: 'nextStep', placeholder: '<what the next person or agent should do, or none>' },
  { key: 'FILES_CHANGED', kind: 'list', field: 'filesChanged', placeholder: '<path of a changed file>' },
  { key: 'TESTS_RUN', kind: 'list', field: 'testsRun', placeholder: '<command: pass or fail>' },
  { key: 'DECISIONS', kind: 'list', field: 'decisions', placeholder: '<a choice made, and why>' },
  { key: 'RISKS', kind: 'list', field: 'risks', placeholder: '<what may go wrong, or none>' },
  { key: 'ATTEMPTED_APPROACHES', kind: 'list', field: 'attemptedApproaches', placeholder: '<what was tried and did not work>' },
  { key: 'MANUAL_STEPS', kind: 'list', field: 'manualSteps', placeholder: '<what a person must do by hand, or none>' },
];
const KEYS = SECTIONS.map(({ key }) => key);
/** Words that say "nothing". */
const NOTHING = /^(?:none|nothing|n\/a|-)?\.?$/i;
/** The form as documents show it, with or without the angle brackets. */
const PLACEHOLDERS = new Set([...SECTIONS.map(({ placeholder }) => toBare(placeholder)), '…', '...']);
const BULLET = /^\s*(?:[-*+]|[0-9]{1,3}[.)])(?:\s+|$)/;
const MAX_LINE = 1000;
const MAX_TEXT = 20_000;
const MAX_ITEMS = 200;
const MAX_NOTES = 20;

/** The form that agents fill in, for the prompt. */
export function renderResultTemplate(): string {
  return `${SECTIONS.map((section) => renderSection(section.key, section.kind, section.kind === 'list' ? [section.placeholder] : section.placeholder)).join('\n')}\n`;
}

/** The file of a result. `parseResult` reads the same value back from a result that it gave. */
export function renderResult(result: AgentResult): string {
  const known = SECTIONS.map((section) => {
    const value = section.kind === 'enum' ? (result[section.field] ?? 'none') : result[section.field];
    return renderSection(section.key, section.kind, value.length === 0 ? 'none' : value);
  });
  const notes = result.notes.map(({ title, text }) => `\n## ${title}\n${escapeText(text)}`);
  return `${[...known, ...notes].join('\n')}\n`;
}

function renderSection(key: string, kind: Section['kind'], value: string | string[]): string {
  if (kind === 'enum') return `${key}: ${value}`;
  const body = typeof value === 'string' ? escapeText(value) : value.map((item) => `- ${item}`).join('\n');
  return `\n${key}:\n${kind === 'list' && typeof value === 'string' ? `- ${body}` : body}`;
}

/** A line of text that reads as the head of a section gets a backslash, which the parser takes away. */
function escapeText(text: string): string {
  return text
    .split('\n')
    .map((line) => (splitSections(line.replace(/^\\+/, ''), KEYS).length > 0 ? `\\${line}` : line))
    .join('\n');
}

/**
 * Reads a result file.
 * @throws AgentOsError `corrupt` with the reason, for anything that is not a filled-in form.
 */
export function parseResult(text: string): AgentResult {
  if (text.length > RESULT_LIMIT_BYTES) throw invalid(`is larger than ${RESULT_LIMIT_BYTES / 1024} kB`);
  const found = splitSections(withoutFence(cleanText(text)), KEYS);
  for (const key of ['STATUS', 'BLOCKER_CODE']) {
    if (found.filter((section) => section.key === key).length > 1) throw invalid(`has two ${key} lines`);
  }
  const textOf = (key: string) => joinTexts(found.filter((section) => section.key === key).map((section) => section.text));
  for (const section of SECTIONS) refusePlaceholder(section, textOf(section.key));
  const result = { notes: [] } as unknown as AgentResult;
  for (const section of SECTIONS) {
    const body = textOf(section.key);
    if (section.kind === 'text') result[section.field] = toText(body);
    else if (section.kind === 'list') result[section.field] = toList(body);
  }
  const status = toChoice('STATUS', RESULT_STATUSES, textOf('STATUS'));
  if (status === undefined) throw invalid('has no STATUS');
  const blockerCode = toChoice('BLOCKER_CODE', BLOCKER_CODES, textOf('BLOCKER_CODE'));
  if (result.summary === '') throw invalid('has no SUMMARY');
  if (status !== 'complete' && blockerCode === undefined) throw invalid(`says ${status} without a BLOCKER_CODE`);
  if (status === 'complete' && blockerCode !== undefined) throw invalid(`says complete and names the blocker ${blockerCode}`);
  result.notes = found
    .filter(({ key, text: body }) => key === undefined && body !== '')
    .slice(0, MAX_NOTES)
    .map(toNote);
  return { ...result, status, ...(blockerCode === undefined ? {} : { blockerCode }) };
}

function invalid(reason: string): AgentOsError {
  return new AgentOsError('corrupt', `the result file ${reason}`);
}

/** The content of a code fence around the whole. */
function withoutFence(text: string): string {
  const match = /^\s*(`{3,}|~{3,})[^\n`]*\n([\s\S]*)\n\1\s*$/.exec(text);
  return match?.[2] ?? text;
}

function joinTexts(texts: string[]): string {
  return texts.filter((text) => text !== '').join('\n\n');
}

function refusePlaceholder(section: Section, text: string): void {
  const copied = text.includes(section.placeholder) || text.split('\n').some((line) => PLACEHOLDERS.has(toBare(line.replace(BULLET, ''))));
  if (copied) throw invalid(`still has the placeholder of ${section.key}`);
}

function toBare(line: string): string {
  return line
    .trim()
    .replace(/^<(.*)>$/, '$1')
    .replace(/(?<!\.)\.$/, '')
    .toLowerCase();
}

/** `undefined` where there is none. Decorations of Markdown around the word are ignored, a sentence is not a choice. */
function toChoice<Value extends string>(key: string, values: readonly Value[], text: string): Value | undefined {
  const word = (text.split('\n')[0] ?? '')
    .replace(/^\s*[-*+]\s+/, '')
    .replace(/[`*"']/g, '')
    .trim()
    .replace(/\.$/, '')
    .toLowerCase()
    .replace(/[ -]/g, '_');
  if (NOTHING.test(word)) return undefined;
  const value = values.find((candidate) => candidate === word);
  if (value === undefined) throw invalid(`has the ${key} \`${cleanLine(text, 60)}\`, which is none of: ${values.join(', ')}`);
  return value;
}

function toText(text: string): string {
  return NOTHING.test(text) ? '' : truncate(text, MAX_TEXT);
}

/** One item a bullet, or one a line where there are no bullets; lines below a bullet belong to it. */
function toList(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const bulleted = lines.some((line) => BULLET.test(line));
  const items: string[] = [];
  for (const line of lines) {
    if (!bulleted || BULLET.test(line) || items.length === 0) items.push(line.replace(BULLET, ''));
    else items.push(`${items.pop()} ${line}`);
  }
  return items
    .map((item) => cleanLine(item, MAX_LINE))
    .filter((item) => !NOTHING.test(item))
    .slice(0, MAX_ITEMS);
}

function toNote({ title, text }: { title: string; text: string }): { title: string; text: string } {
  return { title, text: truncate(text, MAX_TEXT) };
}
