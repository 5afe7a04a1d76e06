/**
 * Names that git and file systems take for something else: the aliases of
 * `.git`, and what may stand in a branch, a SHA or a remote. Pure.
 */
import { AgentOsError } from '../errors.ts';

/** Code points that HFS+ ignores in a name, as git's `next_hfs_char` lists them. */
const HFS_IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** What NTFS and HFS+ see in a component: ignorables dropped, cut at `:` (streams), trailing dots and spaces dropped, lower case. */
function folded(component: string): string {
  return component
    .normalize('NFC')
    .replace(HFS_IGNORED, '')
    .toLowerCase()
    .replace(/:.*$/s, '')
    .replace(/[. ]+$/, '');
}

/** True for `.git` and every spelling that some file system opens as `.git`, also between backslashes. */
export function isDotGit(component: string): boolean {
  return component.split('\\').some((part) => ['.git', 'git~1'].includes(folded(part)));
}

/** The same for `.gitmodules`, which configures submodules on whoever clones. */
export function isDotGitmodules(component: string): boolean {
  const name = folded(component);
  return name === '.gitmodules' || /^gitmod~[1-4]$/.test(name) || /^gi7e?b?a?~\d+$/.test(name);
}

/** A full object name. */
export function isSha(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/** @throws AgentOsError `refused` when the text is not a full object name. */
export function checkSha(text: string): string {
  if (!isSha(text)) throw new AgentOsError('refused', `\`${text.slice(0, 80)}\` is not a full commit or tree name`);
  return text;
}

/** As git's `check-ref-format --branch`, and no longer than a file name may be. */
export function isBranchName(text: string): boolean {
  return (
    text.length > 0 &&
    text.length <= 200 &&
    !/^-|^@$|[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$/.test(text) &&
    text.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock')) &&
    text !== 'HEAD'
  );
}

/** @throws AgentOsError `refused` when git would not take it as a branch. */
export function checkBranch(text: string): string {
  if (!isBranchName(text)) throw new AgentOsError('refused', `\`${text.slice(0, 80)}\` is not a branch name`);
  return text;
}

/**
 * The one transport a remote may use: a path of this machine, or HTTPS (HTTP to
 * this machine alone).
 * @throws AgentOsError `refused` for every other kind of remote (`ext::`, ssh, options).
 */
export function protocolOf(remote: string): 'file' | 'https' | 'http' {
  if (/^(file:\/\/)?\/[^\n\0]*$/.test(remote)) return 'file';
  if (/^https:\/\/[A-Za-z0-9.-]+(:\d+)?\/[^\s]*$/.test(remote)) return 'https';
  if (/^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?\/[^\s]*$/.test(remote)) return 'http';
  throw new AgentOsError('refused', `\`${remote.slice(0, 120)}\` is not a remote that may be used`, {
    hint: 'Use an absolute path or an https URL without a password.',
  });
}
