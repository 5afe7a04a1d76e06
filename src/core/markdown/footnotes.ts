/**
 * Which footnotes of a Markdown text are shown, and under which number: those
 * that the text refers to, or a footnote that is shown. Of two with one name the
 * first counts. Pure.
 */
import type { FootnoteDefinition, Nodes, Root } from 'mdast';

export function findFootnotes(root: Root): { isShown(node: FootnoteDefinition): boolean; numberOf(identifier: string): number } {
  const definitions = new Map<string, FootnoteDefinition>();
  collect(root, (node) => {
    if (node.type === 'footnoteDefinition' && !definitions.has(node.identifier)) definitions.set(node.identifier, node);
    return true;
  });
  const numbers = new Map<string, number>();
  const queue: Nodes[] = [root];
  for (const from of queue) {
    collect(from, (node) => {
      if (node.type === 'footnoteReference' && !numbers.has(node.identifier)) {
        numbers.set(node.identifier, numbers.size + 1);
        const definition = definitions.get(node.identifier);
        if (definition) queue.push(definition);
      }
      return node === from || node.type !== 'footnoteDefinition';
    });
  }
  return {
    isShown: (node) => definitions.get(node.identifier) === node && numbers.has(node.identifier),
    numberOf: (identifier) => numbers.get(identifier) ?? 0,
  };
}

/** Calls `look` for every node; goes into those for which it says so. */
function collect(node: Nodes, look: (node: Nodes) => boolean): void {
  if (!look(node) || !('children' in node)) return;
  for (const child of node.children) collect(child, look);
}
