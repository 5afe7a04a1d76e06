/** Reads any front matter, and pays for a YAML parser only where a person wrote something that is not plain. */
import { type Document, parsePlainFrontMatter } from './front-matter.ts';

/**
 * The front matter and body of a Markdown file.
 * @throws AgentOsError `corrupt`: there is no front matter, or it is not the YAML that is allowed here.
 */
export async function readFrontMatter(text: string): Promise<Document> {
  const plain = parsePlainFrontMatter(text);
  if (plain) return plain;
  const { parseFrontMatterYaml } = await import('./front-matter-yaml.ts');
  return parseFrontMatterYaml(text);
}
