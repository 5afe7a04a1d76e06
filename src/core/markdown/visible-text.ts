/**
 * Which characters can be seen (row 9 of docs/threat-model.md). Text is for
 * people and for models alike, and a model reads what a person cannot see, so
 * such characters leave every text from outside, code included. Pure.
 */

/**
 * Controls but newline and tab, formatting characters (zero width, bidi, tags),
 * what Unicode calls ignorable (fillers, variation selectors), line separators,
 * and characters that look empty. An emoji may be joined to an emoji and may
 * have its variation selector: those two are matched first, and kept.
 */
const JUDGED =
  /(?<=\p{Extended_Pictographic}[\u{1f3fb}-\u{1f3ff}]?\ufe0f?)\u200d(?=\p{Extended_Pictographic})|(?<=\p{Extended_Pictographic})\ufe0f|(?<=[0-9#*])\ufe0f(?=\u20e3)|([\p{Cf}\p{Default_Ignorable_Code_Point}\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u2800\u180e\u3164\u115f\u1160\u{1d159}\u{16fe4}\u{e0000}-\u{e0fff}])/gu;

/** Takes out what cannot be seen; idempotent, printable ASCII is unchanged. */
export function removeInvisible(text: string): string {
  return text.replace(JUDGED, (char, invisible?: string) => (invisible === undefined ? char : ''));
}

/** `removeInvisible`, with look-alike forms (full width, ligatures) written as the plain letters they look like: for titles. */
export function foldTitle(title: string): string {
  return removeInvisible(title.normalize('NFKC')).normalize('NFKC');
}
