/**
 * Plants harmless commands, each of which leaves a marker file, at every place
 * from which git may start a program: configuration, hooks, attributes, nested
 * and bare repositories, remotes, environment-like files. A test passes when a
 * call of ours was made and no marker appeared.
 */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Every hook that some git command runs. */
const HOOKS = [
  'applypatch-msg',
  'pre-applypatch',
  'post-applypatch',
  'pre-commit',
  'pre-merge-commit',
  'prepare-commit-msg',
  'commit-msg',
  'post-commit',
  'pre-rebase',
  'post-checkout',
  'post-merge',
  'pre-push',
  'pre-receive',
  'update',
  'post-receive',
  'post-update',
  'reference-transaction',
  'push-to-checkout',
  'pre-auto-gc',
  'post-rewrite',
  'sendemail-validate',
  'fsmonitor-watchman',
  'post-index-change',
];

/** A configuration whose every value would run something. */
function evilConfig(mark: (name: string) => string, hooks: string): string {
  return `[core]
	repositoryformatversion = 0
	fsmonitor = "${mark('fsmonitor')}; false #"
	hooksPath = ${hooks}
	pager = "${mark('pager')}; cat"
	editor = "${mark('editor')}"
	sshCommand = "${mark('ssh')}; false"
	askPass = "${mark('askpass')}"
	gitProxy = "${mark('proxy')}"
	attributesFile = .gitattributes
	alternateRefsCommand = "${mark('alternate-refs')}"
[filter "evil"]
	clean = "${mark('clean')}; cat"
	smudge = "${mark('smudge')}; cat"
	process = "${mark('process')}; false"
	required = true
[diff]
	external = "${mark('external-diff')}"
[diff "evil"]
	textconv = "${mark('textconv')}; cat"
	command = "${mark('diff-command')}"
[merge "evil"]
	driver = "${mark('merge-driver')}; true"
[credential]
	helper = "!${mark('credential')}"
[gpg]
	program = "${mark('gpg')}"
[commit]
	gpgSign = true
[protocol "ext"]
	allow = always
[remote "origin"]
	url = "ext::${mark('ext')}"
	uploadpack = "${mark('upload-pack')}; git-upload-pack"
	receivepack = "${mark('receive-pack')}; git-receive-pack"
[url "ext::${mark('instead-of')} "]
	insteadOf = /
[alias]
	add = "!${mark('alias-add')}"
	diff = "!${mark('alias-diff')}"
[trailer "x"]
	command = "${mark('trailer')}"
[uploadpack]
	packObjectsHook = "${mark('pack-objects')}"
`;
}

export interface EvilWorkspace {
  /** Names of the markers that appeared: what ran. */
  fired(): string[];
}

/** Fills the git dir and the tree of an agent's workspace; markers go to `markers`. */
export function plantEvil(workspace: string, markers: string): EvilWorkspace {
  mkdirSync(markers, { recursive: true });
  const mark = (name: string) => `touch ${markers}/${name}`;
  plantGitDir(join(workspace, '.git'), mark);
  put(join(workspace, '.gitattributes'), '* filter=evil diff=evil merge=evil ident\n');
  put(join(workspace, '.lfsconfig'), `[lfs]\n\turl = "ext::${mark('lfs')}"\n`);
  put(join(workspace, '.gitconfig'), evilConfig(mark, '.'));
  put(join(workspace, '.mailmap'), 'x <x@x> <agent@localhost>\n');
  put(join(workspace, '--upload-pack=touch marker'), 'a name that is an option\n');
  return { fired: () => readdirSync(markers) };
}

/** Turns a directory below the workspace into a repository that would run its own configuration. */
export function plantRepository(gitDir: string, markers: string): void {
  mkdirSync(markers, { recursive: true });
  plantGitDir(gitDir, (name) => `touch ${markers}/nested-${name}`);
}

function plantGitDir(gitDir: string, mark: (name: string) => string): void {
  for (const directory of ['objects/info', 'objects/pack', 'refs/heads', 'hooks', 'info'])
    mkdirSync(join(gitDir, directory), { recursive: true });
  put(join(gitDir, 'HEAD'), 'ref: refs/heads/main\n');
  put(join(gitDir, 'config'), evilConfig(mark, join(gitDir, 'hooks')));
  put(join(gitDir, 'info/attributes'), '* filter=evil diff=evil merge=evil\n');
  for (const hook of HOOKS) {
    put(join(gitDir, 'hooks', hook), `#!/bin/sh\n${mark(`hook-${hook}`)}\n`);
    chmodSync(join(gitDir, 'hooks', hook), 0o755);
  }
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
