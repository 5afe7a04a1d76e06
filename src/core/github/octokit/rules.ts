/**
 * Which checks the rules of a branch require. Rules live in two places that do
 * not know each other, rulesets and the protection of the branch; what counts
 * is both together. Rules that cannot be read are told as that, never as none.
 */
import * as z from 'zod';
import { AgentOsError } from '../../errors.ts';
import { parseAnswer } from './answer.ts';
import type { RequiredCheck } from './check-runs.ts';
import type { GitHubClient } from './client/client.ts';
import { ownerAndName } from './client/request-names.ts';

const rule = z.object({ type: z.string(), parameters: z.unknown().optional() });
const statusChecks = z.object({
  required_status_checks: z.array(z.object({ context: z.string().min(1), integration_id: z.number().nullish() })),
});

const branch = z.object({
  protected: z.boolean(),
  protection: z
    .object({
      required_status_checks: z
        .object({
          enforcement_level: z.string().nullish(),
          contexts: z.array(z.string()),
          checks: z.array(z.object({ context: z.string(), app_id: z.number().nullish() })).nullish(),
        })
        .nullish(),
    })
    .nullish(),
});

export type Rules =
  | { known: true; required: RequiredCheck[] }
  /** Why they cannot be read, for a person. */
  | { known: false; why: string };

/** @throws AgentOsError `not_found` when there is no such branch */
export async function readRules(client: GitHubClient, repo: string, base: string): Promise<Rules> {
  const { data } = await client.read('GET /repos/{owner}/{repo}/branches/{branch}', { ...ownerAndName(repo), branch: base });
  const { protected: isProtected, protection } = parseAnswer(branch, data, `the branch \`${base}\` of ${repo}`);
  if (isProtected && !protection) return unreadable(base, 'GitHub does not tell its protection');
  const rulesets = await readRulesets(client, repo, base);
  if (!Array.isArray(rulesets)) return rulesets;
  return { known: true, required: [...protectionChecks(protection?.required_status_checks), ...rulesets] };
}

type StatusChecks = NonNullable<z.output<typeof branch>['protection']>['required_status_checks'];

/** `checks` names the same contexts again, with their apps; an app of -1 is any. */
function protectionChecks(required: StatusChecks): RequiredCheck[] {
  if (!required || required.enforcement_level === 'off') return [];
  const checks = (required.checks ?? []).map(({ context, app_id }) => toRequired(context, app_id));
  const others = required.contexts.filter((context) => !checks.some((check) => check.context === context));
  return [...checks, ...others.map((context) => ({ context }))];
}

function toRequired(context: string, app: number | null | undefined): RequiredCheck {
  return { context, ...(app !== null && app !== undefined && app > 0 && { app }) };
}

async function readRulesets(client: GitHubClient, repo: string, base: string): Promise<RequiredCheck[] | Rules> {
  try {
    const answers = await client.readAll('GET /repos/{owner}/{repo}/rules/branches/{branch}', { ...ownerAndName(repo), branch: base });
    return answers.flatMap((answer) => checksOf(answer, repo, base));
  } catch (error) {
    if (!(error instanceof AgentOsError)) throw error;
    // A plan without rulesets keeps nobody to them.
    if (error.code === 'refused' && /\bupgrade to\b/i.test(error.message)) return [];
    // The branch itself was read, so it is the route that an older server of one's own does not have.
    if (error.code === 'not_found' && !isGitHubCom(client)) return [];
    if (error.code === 'refused' || error.code === 'not_found') return unreadable(base, error.message);
    throw error;
  }
}

function checksOf(answer: unknown, repo: string, base: string): RequiredCheck[] {
  const what = `the rules of \`${base}\` of ${repo}`;
  const { type, parameters } = parseAnswer(rule, answer, what);
  if (type !== 'required_status_checks') return [];
  const { required_status_checks: checks } = parseAnswer(statusChecks, parameters, what);
  return checks.map(({ context, integration_id }) => toRequired(context, integration_id));
}

function isGitHubCom(client: GitHubClient): boolean {
  const { hostname } = new URL(client.host.apiUrl);
  return hostname === 'api.github.com' || hostname.endsWith('.ghe.com');
}

function unreadable(base: string, why: string): Rules {
  return {
    known: false,
    why: `the rules of \`${base}\` cannot be read, so nobody knows which checks they require: ${why}; give the token read permission for the metadata and the contents of the repository`,
  };
}
