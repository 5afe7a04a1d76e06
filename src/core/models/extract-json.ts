/** The JSON object in a model's words: models put fences and pleasantries around it. Tolerant of what surrounds, strict in what is inside. Pure. */

/** The object; `undefined` when the text holds none. Of several fenced blocks the last one that is an object counts. */
export function extractJson(text: string): unknown {
  const whole = parseObject(text);
  if (whole !== undefined) return whole;
  const fenced = Array.from(text.matchAll(/^[ \t]*(`{3,}|~{3,})[^\n]*\n([\s\S]*?)^[ \t]*\1[ \t]*$/gm), (match) => match[2] ?? '');
  for (const block of fenced.reverse()) {
    const object = parseObject(block);
    if (object !== undefined) return object;
  }
  return parseObject(text.slice(Math.max(0, text.indexOf('{')), text.lastIndexOf('}') + 1));
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
