/**
 * What a change may contain, judged on the tree's paths and modes, never on
 * files in a work tree (threat model A2, "What an agent may change"). Pure.
 */

/** One path that differs between two trees. */
export interface TreeChange {
  path: string;
  kind: 'added' | 'modified' | 'deleted';
  /** Git modes: 100644, 100755, 120000 (symlink), 160000 (gitlink); `000000` where absent. */
  oldMode: string;
  newMode: string;
  /** Size in bytes of the new blob; 0 when deleted. */
  size: number;
  /** Target of a new or changed symlink. */
  linkTarget?: string;
}
