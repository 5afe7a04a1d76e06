/**
 * The configuration described from its schema: JSON Schema for editors
 * (`agentos config schema`) and `docs/configuration.md`. Pure.
 */
import { configShape, renderShape, type Shape } from './shape.ts';

/** The JSON Schema (2020-12) of `config.yaml` as users write it. Rules across keys are not in it. */
export function toJsonSchema(): object {
  return {
    ...configShape(),
    title: 'Agent OS configuration',
    description: 'config.yaml of Agent OS. `agentos config check` also checks what a schema cannot say.',
  };
}

const INTRODUCTION = `# Configuration

<!-- Made from src/core/config/schema.ts by scripts/configuration-docs.mjs; edit the schema, then run \`npm run docs\`. -->

Agent OS reads one YAML file (YAML 1.2, at most 256 kB, no aliases, no tags). It looks for it in this order and takes the first:

1. \`--config FILE\`
2. \`$AGENTOS_CONFIG\`
3. \`./config.yaml\`
4. \`$XDG_CONFIG_HOME/agentos/config.yaml\` (\`~/.config\` when the variable is not set)

A file that is named must exist. A file that other users can write is refused, because it says which programs run: \`chmod go-w config.yaml\`.

Unknown keys are errors. All problems are reported together, each with its line; the exit status is 78. \`agentos config check\` reads the file and does nothing else; \`agentos config schema\` prints the JSON Schema for editors. Secrets are never written into the file.

Relative paths are relative to the file; \`~\` is HOME. The smallest file has \`forge\`, one entry of \`repos\`, one agent and \`routing.default\`; [config.example.yaml](../config.example.yaml) shows every key.
`;

const RULES = `## Rules across keys

- \`routing\` and \`budgets\` name only agents that \`agents\` defines.
- Repository names are unique; case does not tell them apart.
- \`state_dir\` and \`forge.root\` are separate directories, neither inside the other, and neither is your home directory or one above it.
- \`local_ci\` is for the local forge alone.
- \`ready.project\` and \`board\` are for GitHub alone. A column is \`project\`, \`field\` and \`value\`, in the place of \`label\`; in the field of that column \`board\` writes \`done\` alone, and no \`auto_ready\` goes with it.
- A path in \`sandbox.readable\` is refused when it contains the state directory, the local forge, the private key of the app, your home directory or the configuration file, and when it lies in one of the first two. Symbolic links are followed.
`;

/** The text of `docs/configuration.md`. */
export function renderConfigurationDocs(): string {
  const root = configShape();
  const sections = Object.entries(root.properties ?? {}).filter(([, shape]) => !isPlain(shape));
  const parts = [INTRODUCTION, renderSection('Top level', root), ...sections.map(([key, shape]) => renderPart(key, shape)), RULES];
  return `${parts.map((part) => part.trim()).join('\n\n')}\n`;
}

function renderPart(key: string, shape: Shape): string {
  const named = shape.additionalProperties;
  const kinds = named ? named.oneOf : shape.oneOf;
  const title = named ? `\`${key}\`: a name of your choice for each` : `\`${key}\``;
  if (kinds) return `## ${title}\n\n${shape.description ?? ''}\n\n${kinds.map(renderKind).join('\n\n')}`;
  if (shape.items) return renderSection(`\`${key}\`: a list; each entry has`, shape.items, shape.description);
  return renderSection(title, named || shape, shape.description);
}

function renderKind(shape: Shape): string {
  const { kind, ...properties } = shape.properties ?? {};
  return `### \`kind: ${String(kind?.const)}\`\n\n${kind?.description ?? ''}\n\n${renderTable({ ...shape, properties })}`;
}

function renderSection(title: string, shape: Shape, description = ''): string {
  const text = description === '' ? '' : `${description}\n\n`;
  return `## ${title}\n\n${text}${renderTable(shape)}`;
}

/** A table of the keys of a mapping; a mapping inside it gives its keys as `outer.inner`. */
function renderTable(shape: Shape): string {
  return ['| key | value | default | meaning |', '|---|---|---|---|', ...renderRows(shape, '')].join('\n');
}

/** @param optional the mapping may be left out as a whole, and has no default. */
function renderRows(shape: Shape, prefix: string, optional = false): string[] {
  return Object.entries(shape.properties ?? {}).flatMap(([key, value]) => {
    const name = `${prefix}${key}`;
    if (prefix === '' && value.properties && isNested(shape)) {
      const leftOut = value.default === undefined && shape.required?.includes(key) !== true;
      return renderRows(value, `${name}.`, leftOut);
    }
    const required = shape.required?.includes(key) === true;
    const standing = required && optional ? `required in \`${prefix.slice(0, -1)}\`` : renderDefault(value, required);
    const cells = [`\`${name}\``, renderShape(value), standing, value.description ?? ''];
    return [`| ${cells.map(escapeCell).join(' | ')} |`];
  });
}

/** Sections of the top level have a table of their own; mappings further in have not. */
function isNested(shape: Shape): boolean {
  return shape.properties?.['state_dir'] === undefined;
}

function isPlain(shape: Shape): boolean {
  return !shape.properties && !shape.additionalProperties && !shape.oneOf && !shape.items?.properties;
}

function renderDefault(shape: Shape, required: boolean): string {
  if (required) return 'required';
  if (shape.default === undefined) return 'none';
  if (typeof shape.default === 'object' && !Array.isArray(shape.default)) return 'see below';
  return `\`${typeof shape.default === 'string' ? shape.default : JSON.stringify(shape.default)}\``;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
