import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { renderConfigurationDocs, toJsonSchema } from '../../../src/core/config/describe.ts';
import { configShape, type Shape } from '../../../src/core/config/shape.ts';
import { makeConfigDirectory } from './config-directory.ts';

const example = readFileSync('config.example.yaml', 'utf8');
/** The example with every setting that is switched off (`#key: value`) switched on; where a key is there twice the last wins. */
const complete = dropEarlier(example.replace(/^( *)#(?=[a-z_]+:)/gm, '$1'));

function dropEarlier(text: string): string {
  return text
    .replace(/^ {4}trusted: write\n/m, '')
    .replace(/^ {4}ready:\n {6}label: .*\n/m, '')
    .replace(/^forge:\n(?: {2}.*\n)+/m, '');
}

/** The same on the local forge, which alone takes `local_ci`. */
const local = example
  .replace(/^( *)#(?=[a-z_]+:)/gm, '$1')
  .replace(/^ {4}trusted: write\n/m, '')
  .replace(/^ {4}(ready: \{|board:).*\n/gm, '')
  .replace(/^(# or GitHub.*\n)forge:\n(?: {2}.*\n)+/m, '');
const github = complete.replace(/^ {4}local_ci:\n(?: {6}.*\n)+/m, '');

/** Every key below a shape, as `repos[].ready.label`; names that users choose are `*`. */
function keysOf(shape: Shape, prefix = ''): string[] {
  const own = Object.entries(shape.properties ?? {}).flatMap(([key, value]) => [`${prefix}${key}`, ...keysOf(value, `${prefix}${key}.`)]);
  const named = shape.additionalProperties ? keysOf(shape.additionalProperties, `${prefix}*.`) : [];
  const listed = shape.items ? keysOf(shape.items, prefix.replace(/\.$/, '[].')) : [];
  return [...own, ...named, ...listed, ...(shape.oneOf ?? []).flatMap((option) => keysOf(option, prefix))];
}

function writtenKeys(value: unknown, prefix = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => writtenKeys(item, prefix.replace(/\.$/, '[].')));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const name = prefix === 'agents.' || prefix === 'prices.' ? '*' : key;
    if (/^budgets\.per_agent_/.test(prefix)) return [];
    return [`${prefix}${name}`, ...writtenKeys(child, `${prefix}${name}.`)];
  });
}

test('the example loads, as it is and with everything switched on', async () => {
  const dir = makeConfigDirectory();
  dir.write('config.yaml', example);
  const config = await dir.load();
  expect(config.repos[0]).toMatchObject({ automation: 'supervised', trusted: 'write' });
  expect(config.sandbox.mode).toBe('required');
  dir.write('config.yaml', local);
  expect((await dir.load()).routing.browser_automation).toEqual(['house']);
  dir.write('config.yaml', github);
  expect((await dir.load()).forge).toMatchObject({ kind: 'github', app: { private_key_file: `${dir.root}/agentos.private-key.pem` } });
});

test('the example shows every key of the schema', () => {
  const known = [...new Set(keysOf(configShape()))].sort();
  expect(known).toContain('agents.*.command');
  expect(known).toContain('repos[].ready.label');
  const written = new Set([...writtenKeys(parse(complete)), ...writtenKeys(parse(local))]);
  expect([...written].filter((key) => key !== 'agents.*' && key !== 'prices.*').sort()).toEqual(known);
});

test('every key has a description, in the schema and in the document', () => {
  const undescribed: string[] = [];
  const visit = (shape: Shape, path: string): void => {
    for (const [key, value] of Object.entries(shape.properties ?? {})) {
      if (value.description === undefined) undescribed.push(`${path}.${key}`);
      visit(value, `${path}.${key}`);
    }
    for (const part of [shape.additionalProperties, shape.items, ...(shape.oneOf ?? [])]) if (part) visit(part, path);
  };
  visit(toJsonSchema() as Shape, '');
  expect(undescribed).toEqual([]);
  const docs = renderConfigurationDocs();
  for (const key of new Set(keysOf(configShape()))) {
    if (key.endsWith('.kind')) continue;
    const name = key.replace(/^(?:[a-z]+\[\]|agents\.\*|prices\.\*|[a-z]+)\.(?=.)/, '');
    expect(docs).toMatch(
      new RegExp(`^\\| \`(?:ready\\.)?${name.replace('.', '\\.')}\` \\|${name === 'ready' ? '' : '.+'}|ready\\.label`, 'm'),
    );
  }
});

test('the JSON Schema is strict, and defaults are not required', () => {
  const schema = toJsonSchema() as Shape & { $schema: string };
  expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
  expect(schema.required).toEqual(['forge', 'repos', 'agents', 'routing']);
  expect(schema.additionalProperties).toBe(false);
  expect(schema.properties?.['repos']?.items?.required).toEqual(['name']);
  expect(schema.properties?.['agents']?.additionalProperties).toMatchObject({
    oneOf: expect.arrayContaining([
      expect.objectContaining({ properties: expect.objectContaining({ kind: expect.objectContaining({ const: 'patch' }) }) }),
      expect.objectContaining({ required: ['kind', 'command'] }),
      expect.objectContaining({
        properties: expect.objectContaining({ kind: expect.objectContaining({ const: 'claude' }) }),
        required: ['kind', 'model'],
      }),
    ]),
  });
});

test('docs/configuration.md is up to date', () => {
  const check = spawnSync(process.execPath, ['scripts/configuration-docs.mjs', '--check'], { encoding: 'utf8' });
  expect(check.stderr).toBe('');
  expect(check.status).toBe(0);
  expect(readFileSync('docs/configuration.md', 'utf8')).toBe(renderConfigurationDocs());
});
