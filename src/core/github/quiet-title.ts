/** An issue's title as the subject of a commit: whoever wrote it must neither close nor call anything by it. Pure. */
import { cleanLine, quieten, truncate } from '../text.ts';

/** One line in which no `@name` notifies and no `fixes #9` closes another issue when it reaches the default branch. */
export function quietTitle(title: string, max = 256): string {
  return truncate(quieten(cleanLine(title, 1000)), max);
}
