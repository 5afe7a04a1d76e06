/**
 * What in a request would let the provider fetch, run, keep or hand out
 * something: its own tools, addresses in place of content, names of files and
 * conversations that it stores for the account. A confined agent could carry
 * data out through each of them. Tools are an allow-list; keys are compared
 * without case and underscores, for some providers take either spelling. Pure.
 */
import type { Protocol } from './gateway.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Rules {
  /** Keys refused wherever they stand with a value. */
  refused: ReadonlySet<string>;
  /** Keys refused in the request itself only; deeper they are words like any other. */
  refusedOnTop: ReadonlySet<string>;
  /** Keys whose values are data of a tool or a schema: nobody acts on them. */
  opaque: ReadonlySet<string>;
  /** What is wrong with one tool. */
  judgeTool(tool: Fields): string | undefined;
  /** What is wrong with a field beyond its name. */
  judgeField(key: string, value: unknown): string | undefined;
}

const setOf = (words: string) => new Set(words.split(' '));

/** Models behind OpenAI's protocol that need no tool to be named for it: OpenAI's, and by suffix or name those of OpenRouter, Groq and Perplexity. */
const SEARCHING = /-search-(preview|api)|deep-research|:online$|(^|\/)(compound|sonar)\b/i;

const RULES: Record<Protocol, Rules> = {
  anthropic: {
    refused: setOf('mcpservers container fileid skills'),
    refusedOnTop: setOf('models'),
    opaque: setOf('input inputschema inputexamples schema metadata'),
    judgeTool: ({ type }) =>
      type === undefined || /^(custom|(bash|text_editor|computer|memory|tool_search_tool)_\w+)$/.test(String(type))
        ? undefined
        : `the tool \`${shown(type)}\` of the provider`,
    judgeField(key, value) {
      if (key === 'type' && value === 'container_upload') return 'files of the provider (`container_upload`)';
      if (key === 'speed' && value !== 'standard') return '`speed`, which has prices of its own';
      if (key !== 'source' || !isFields(value)) return undefined;
      const { type } = value;
      return /^(base64|text|content)$/.test(String(type)) ? undefined : `content from elsewhere (\`source\` of type \`${shown(type)}\`)`;
    },
  },
  openai: {
    refused: setOf('fileid fileids fileurl vectorstoreids serverurl connectorid container websearchoptions searchparameters enablesearch'),
    refusedOnTop: setOf('background conversation prompt previousresponseid plugins models'),
    opaque: setOf('parameters schema arguments action metadata clientmetadata'),
    judgeTool: ({ type }) =>
      /^(function|custom|local_shell|apply_patch|namespace|tool_search)$/.test(String(type))
        ? undefined
        : `the tool \`${shown(type)}\` of the provider`,
    judgeField(key, value) {
      if (key === 'model' && SEARCHING.test(String(value))) return `the model \`${shown(value)}\`, which searches the web by itself`;
      if (key === 'type' && value === 'item_reference') return 'what the provider stored (`item_reference`)';
      if (key === 'store' && value === true) return '`store`: true';
      if (!/^(image|video|audio)url$/.test(key)) return undefined;
      const url = isFields(value) ? value['url'] : value;
      return url === undefined || url === null || (typeof url === 'string' && /^data:/i.test(url))
        ? undefined
        : 'content from elsewhere (an address that is no `data:`)';
    },
  },
  google: {
    refused: setOf('filedata fileuri cachedcontent'),
    refusedOnTop: new Set(),
    opaque: setOf('args response parameters parametersjsonschema responseschema responsejsonschema labels'),
    judgeTool(tool) {
      const own = Object.keys(tool).find((key) => plain(key) !== 'functiondeclarations' && isThere(tool[key]));
      return own === undefined ? undefined : `the tool \`${shown(own)}\` of the provider`;
    },
    judgeField: () => undefined,
  },
};

/** Values of fields of the request itself that cost more than the prices by which it is counted. */
const OWN_PRICE: ReadonlyMap<string, RegExp> = new Map([
  ['servicetier', /priority|fast/i],
  ['inferencegeo', /^(?!global$)/],
]);

/** @returns what the request may not hold, in words that name it; `undefined` where it only asks a model. */
export function findReach(protocol: Protocol, body: Fields): string | undefined {
  const rules = RULES[protocol];
  const left: { value: unknown; depth: number }[] = [{ value: body, depth: 0 }];
  for (let next = left.pop(); next; next = left.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      for (const one of value) left.push({ value: one, depth: depth + 1 });
      continue;
    }
    for (const [name, inner] of Object.entries(value)) {
      const problem = judge(rules, name, inner, depth);
      if (problem !== undefined) return problem;
      if (!rules.opaque.has(plain(name)) || (depth === 0 && Array.isArray(inner))) left.push({ value: inner, depth: depth + 1 });
    }
  }
  return undefined;
}

function judge(rules: Rules, name: string, value: unknown, depth: number): string | undefined {
  if (!isThere(value)) return undefined;
  const key = plain(name);
  if (rules.refused.has(key) || (depth === 0 && rules.refusedOnTop.has(key))) return `\`${shown(name)}\``;
  if ((depth === 0 && key === 'n') || key === 'candidatecount')
    return value === 1 ? undefined : `several answers at once (\`${shown(name)}\`)`;
  if (depth === 0 && OWN_PRICE.get(key)?.test(String(value))) return `\`${shown(name)}\`, which has prices of its own`;
  if (key === 'tools' && (depth === 0 || Array.isArray(value))) return judgeTools(rules, value);
  return rules.judgeField(key, value);
}

function judgeTools(rules: Rules, tools: unknown): string | undefined {
  if (!Array.isArray(tools)) return '`tools` that are no list';
  for (const tool of tools) {
    const problem = isFields(tool) ? rules.judgeTool(tool) : 'a tool that is no object';
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Says something: clients name what they do not use with `null`, `false` or an empty list. */
function isThere(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0);
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A key as every spelling of it. */
export function plain(key: string): string {
  return key.replaceAll('_', '').toLowerCase();
}

function shown(value: unknown): string {
  return String(value)
    .replace(/[^\w.:-]/g, '?')
    .slice(0, 60);
}
