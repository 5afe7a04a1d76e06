/** Files a finding as an issue: once ever, found again by its marker when a crash left the outcome open. */
import type { GitHub } from '../../core/github/github.ts';
import type { Ports } from '../../core/ports.ts';
import type { Applied } from '../run-command.ts';
import { FILE_ISSUE, findingKey } from './gather.ts';
import { findingMarker, renderFinding } from './issue-body.ts';
import type { FindingAction } from './policy.ts';
import type { Analysis } from './report.ts';

type Forge = Pick<GitHub, 'getIdentity' | 'listIssues' | 'createIssue'>;

export async function applyFinding(ports: Ports, analysis: Analysis, action: FindingAction): Promise<Applied> {
  if (action.kind !== 'file-finding') return { outcome: 'skipped' };
  const { repo, pattern } = action;
  const forge: Forge = await ports.forge();
  const { title, body } = renderFinding({
    repo,
    pattern,
    from: new Date(analysis.from),
    to: new Date(analysis.to),
    failures: analysis.failures,
  });
  const { number } = await (await ports.effects()).ensure({
    repo,
    subject: 'issues',
    kind: FILE_ISSUE,
    key: findingKey(pattern.fingerprint),
    payload: { title },
    nature: 'once',
    probe: () => findFiled(forge, repo, pattern.fingerprint),
    act: async () => ({ number: (await forge.createIssue(repo, { title, body, labels: [] })).number }),
  });
  await ports.log.write({
    event: 'analyze-logs.finding.filed',
    repo,
    issue: number,
    outcome: 'filed',
    code: pattern.code,
    fingerprint: pattern.fingerprint,
    reason: action.reason,
  });
  return { outcome: 'applied', reason: `${action.reason}; filed as ${repo}#${number}`, detail: { issue: `${repo}#${number}` } };
}

/** Open or closed, and written by our own account: anybody can copy a marker. */
async function findFiled(forge: Forge, repo: string, fingerprint: string): Promise<{ number: number } | undefined> {
  const own = await forge.getIdentity();
  const marker = findingMarker(fingerprint);
  const found = (await forge.listIssues(repo, { state: 'all' })).find(
    (issue) => issue.author.id === own.id && issue.body.startsWith(marker),
  );
  return found && { number: found.number };
}
