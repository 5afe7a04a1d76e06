/**
 * Git objects and refs, read from the bare repository at the moment they are
 * asked for.
 */
import { branchTip, type CommitInfo, git, listCommits, listRefs, objectType, tryGit } from '../git-store.ts';
import type { Repository } from '../records.ts';
import { rollupOf } from './checks.ts';
import { listPulls, type PullFilter } from './lists.ts';
import { connect, type PageArgs } from './paging.ts';
import {
  type CommitSource,
  type Context,
  define,
  type RefSource,
  type Resolvers,
  refuseUnreadable,
  repositorySource,
  urlOf,
} from './sources.ts';

interface ObjectSource {
  __typename: 'Blob' | 'Tree';
  repo: Repository;
  sha: string;
}

export function commitSource(repo: Repository, sha: string): CommitSource {
  return { __typename: 'Commit', repo, sha };
}

/** `ref(qualifiedName:)`: a full name, or that of a branch or tag. */
export function findRef({ store }: Context, repo: Repository, name: string): RefSource | null {
  const refs = listRefs(store, repo);
  const ref = [name, `refs/heads/${name}`, `refs/tags/${name}`].find((one) => refs.has(one));
  const sha = ref === undefined ? undefined : refs.get(ref);
  return ref !== undefined && sha !== undefined ? { __typename: 'Ref', repo, ref, sha } : null;
}

export function branchRef({ store }: Context, repo: Repository, branch: string): RefSource | null {
  const sha = branchTip(store, repo, branch);
  return sha === undefined ? null : { __typename: 'Ref', repo, ref: `refs/heads/${branch}`, sha };
}

export function refsUnder({ store }: Context, repo: Repository, prefix: string): RefSource[] {
  const all = [...listRefs(store, repo)].filter(([ref]) => ref.startsWith(prefix));
  return all.map(([ref, sha]) => ({ __typename: 'Ref', repo, ref, sha }));
}

/** `object(oid:)` or `object(expression:)`, as `git rev-parse` reads it with branch names looked up in the store. */
export function findObject({ store }: Context, repo: Repository, { oid, expression }: { oid?: string | null; expression?: string | null }) {
  const [name = '', ...path] = (oid ?? expression ?? '').split(':');
  const refs = listRefs(store, repo);
  const base = refs.get(`refs/heads/${name}`) ?? refs.get(`refs/tags/${name}`) ?? refs.get(name) ?? name;
  if (base === '' || base.startsWith('-')) return null;
  const sha = tryGit(repo.gitDir, ['rev-parse', '-q', '--verify', [base, ...path].join(':')])?.trim();
  const type = sha === undefined ? undefined : objectType(repo, sha);
  if (sha === undefined || type === undefined) return null;
  if (type === 'commit') return commitSource(repo, sha);
  if (type === 'tag') throw new Error('the test server does not know annotated tags');
  return { __typename: type === 'blob' ? 'Blob' : 'Tree', repo, sha };
}

function read({ repo, sha }: CommitSource): CommitInfo {
  const [commit] = listCommits(repo, ['-1', sha]);
  if (!commit) throw new Error(`no commit ${sha}`);
  return commit;
}

const object = {
  id: ({ __typename, sha }: CommitSource | ObjectSource) => `${__typename[0]}_${sha}`,
  oid: ({ sha }: CommitSource | ObjectSource) => sha,
  abbreviatedOid: ({ sha }: CommitSource | ObjectSource) => sha.slice(0, 7),
  repository: ({ repo }: CommitSource | ObjectSource) => repositorySource(repo),
};

const prefixOf = (ref: string) => /^refs\/[^/]+\//.exec(ref)?.[0] ?? '';

export const commitResolvers: Record<string, Resolvers> = {
  Commit: define<CommitSource>({
    ...object,
    message: (source) => read(source).message,
    messageHeadline: (source) => read(source).message.split('\n')[0],
    messageBody: (source) => read(source).message.split('\n').slice(1).join('\n').trim(),
    authoredDate: (source) => read(source).author.date,
    committedDate: (source) => read(source).committer.date,
    author: (source) => ({ __typename: 'GitActor', ...read(source).author, user: null }),
    committer: (source) => ({ __typename: 'GitActor', ...read(source).committer, user: null }),
    parents: (source, args: PageArgs, _, info) =>
      connect(
        read(source).parents.map((sha) => commitSource(source.repo, sha)),
        args,
        info,
      ),
    url: ({ repo, sha }, _: never, context) => urlOf(context, repo, `/commit/${sha}`),
    statusCheckRollup: (source, _: never, context) => {
      refuseUnreadable(context, source.repo, 'checks');
      return rollupOf(source);
    },
    associatedPullRequests: ({ repo, sha }, args: PageArgs, context, info) =>
      connect(
        listPulls(context, repo, {}).filter(({ pull }) => pull.headSha === sha || pull.mergeSha === sha),
        args,
        info,
      ),
  }),
  Blob: define<ObjectSource>({
    ...object,
    byteSize: ({ repo, sha }) => Number(git(repo.gitDir, ['cat-file', '-s', sha])),
    isTruncated: () => false,
    isBinary: ({ repo, sha }) => git(repo.gitDir, ['cat-file', 'blob', sha]).includes('\0'),
    text: ({ repo, sha }) => {
      const text = git(repo.gitDir, ['cat-file', 'blob', sha]);
      return text.includes('\0') ? null : text;
    },
  }),
  Tree: define<ObjectSource>(object),
  Ref: define<RefSource>({
    id: ({ repo, ref }) => `REF_${Buffer.from(`${repo.nodeId}:${ref}`).toString('base64url')}`,
    name: ({ ref }) => ref.slice(prefixOf(ref).length),
    prefix: ({ ref }) => prefixOf(ref),
    repository: ({ repo }) => repositorySource(repo),
    target: ({ repo, sha }) => {
      if (objectType(repo, sha) === 'tag') throw new Error('the test server does not know annotated tags');
      return commitSource(repo, sha);
    },
    associatedPullRequests: ({ repo, ref }, args: PageArgs & PullFilter, context, info) =>
      connect(listPulls(context, repo, { ...args, headRefName: ref.slice('refs/heads/'.length) }), args, info),
  }),
};
