/** What GitHub takes as a title, a text or a label: refused here before anything is sent. Pure. */
import { AgentOsError } from '../../errors.ts';

const MAX_TITLE = 256;
const MAX_BODY = 65_536;
const MAX_LABEL = 50;

/** @throws AgentOsError `refused` */
export function checkTitle(title: string): void {
  if (title.trim() === '') throw refusedText('a title must not be empty');
  checkLength('a title', title, MAX_TITLE);
}

/** @throws AgentOsError `refused` */
export function checkBody(body: string): void {
  checkLength('a text', body, MAX_BODY);
}

/** @throws AgentOsError `refused` */
export function checkComment(body: string): void {
  if (body.trim() === '') throw refusedText('a comment must not be empty');
  checkBody(body);
}

/** @throws AgentOsError `refused` */
export function checkLabel(label: string): void {
  if (label.trim() === '' || /[\r\n]/.test(label)) throw refusedText('a label must be one line and not empty');
  checkLength('a label', label, MAX_LABEL);
}

/** GitHub counts characters, not the halves of the longer ones. */
function checkLength(what: string, text: string, most: number): void {
  if (text.length <= most) return;
  const length = Array.from(text).length;
  if (length > most) throw refusedText(`${what} has at most ${most} characters, this one ${length}`);
}

function refusedText(message: string): AgentOsError {
  return new AgentOsError('refused', message);
}
