/** An issue's title as the subject of a commit: whoever wrote it must neither close nor call anything by it. Pure. */
import { cleanLine, truncate } from '../text.ts';

/** One line in which no `@name` notifies and no `fixes #9` closes another issue when it reaches the default branch. */
export function quietTitle(title: string, max = 256): string {
  const quiet = cleanLine(title, 1000)
    .replace(/@(?=[A-Za-z0-9])/g, '＠')
    .replace(/\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?)(\s*:?\s+)(?=(?:[\w.-]+\/[\w.-]+)?#\d|https?:|GH-\d)/gi, '$1$2(see) ');
  return truncate(quiet, max);
}
