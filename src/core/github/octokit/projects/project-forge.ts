/**
 * The forge of repositories whose issues are made Ready by a column of a
 * project: the column stands where others have a label, so that no loop needs
 * to know. The card is always read before the text that it approves. Other
 * repositories are as they are without it.
 */
import { AgentOsError } from '../../../errors.ts';
import type { GitHub, Issue, IssueFilter, IssueQuery, IssueView } from '../../github.ts';
import { sameName } from '../client/request-names.ts';
import { OctokitForge, type OctokitForgeOptions } from '../forge.ts';
import { openBoardReading, placeOf, type ReadyCards, readCards } from './read-board.ts';
import { optionOf, presentColumn, type ReadyColumn } from './ready-column.ts';

/** By repository as it is configured. */
export type ReadyColumns = ReadonlyMap<string, ReadyColumn>;

export function openProjectForge(options: OctokitForgeOptions, columns: ReadyColumns): GitHub {
  return new ProjectForge(options, columns);
}

class ProjectForge extends OctokitForge {
  readonly #columns: ReadyColumns;
  readonly #options: OctokitForgeOptions;

  constructor(options: OctokitForgeOptions, columns: ReadyColumns) {
    super(options);
    this.#options = options;
    this.#columns = columns;
  }

  override async findIssues(queries: readonly IssueQuery[]): Promise<Map<string, IssueView[] | AgentOsError>> {
    const columns = new Map(queries.flatMap(({ repo }) => this.#columnEntry(repo)));
    if (columns.size === 0) return super.findIssues(queries);
    const reading = openBoardReading(this.#options.client, columns);
    let cards: ReadyCards = new Map();
    const more = async () => {
      cards = await reading.finish();
      return new Map([...cards].map(([repo, found]) => [repo, found instanceof AgentOsError ? found : timesOf(found)]));
    };
    const asked = queries.map((query) => {
      const label = columns.get(query.repo)?.label;
      return label === undefined ? query : { ...query, labels: query.labels.filter((name) => !sameName(name, label)) };
    });
    const found = await this.find(asked, { passenger: reading.passenger, more });
    return new Map([...found].map(([repo, views]) => [repo, this.#presentAll(repo, views, cards)]));
  }

  override async viewIssue(repo: string, issue: number): Promise<IssueView> {
    const column = this.#columns.get(repo);
    if (!column) return super.viewIssue(repo, issue);
    const value = (await this.#valuesOf(repo, column, [issue])).get(issue);
    return presentColumn(await super.viewIssue(repo, issue), column.label, value);
  }

  override async listIssues(repo: string, filter: IssueFilter): Promise<Issue[]> {
    const column = this.#columns.get(repo);
    if (!column) return super.listIssues(repo, filter);
    const cards = (await openBoardReading(this.#options.client, new Map([[repo, column]])).finish()).get(repo);
    if (!cards || cards instanceof AgentOsError) throw cards ?? new AgentOsError('unavailable', `no answer about the project of ${repo}`);
    const issues = (await super.listIssues(repo, { state: filter.state })).map(
      (issue) => presentColumn({ issue, events: [] }, column.label, cards.get(issue.number)?.value).issue,
    );
    const { anyLabel } = filter;
    return anyLabel ? issues.filter(({ labels }) => labels.some((label) => anyLabel(label))) : issues;
  }

  /** Moving a card leaves the issue's update time as it is, so the card has its part in the stamp. */
  override async stampPullRequests(asked: Parameters<GitHub['stampPullRequests']>[0]): Promise<Map<string, string>> {
    const stamps = await super.stampPullRequests(asked);
    for (const repo of new Set(asked.map((one) => one.repo))) {
      const column = this.#columns.get(repo);
      if (!column) continue;
      const ofRepo = asked.filter((one) => one.repo === repo);
      const values = await this.#valuesOf(
        repo,
        column,
        ofRepo.map(({ issue }) => issue),
      ).catch(unlessOfAll);
      for (const { pull, issue } of ofRepo) {
        const name = `${repo}#${pull}`;
        const stamp = stamps.get(name);
        if (stamp === undefined) continue;
        const value = values?.get(issue);
        if (values) stamps.set(name, JSON.stringify([stamp, value?.id, value?.at, value?.by?.id]));
        else stamps.delete(name);
      }
    }
    return stamps;
  }

  override async createIssue(repo: string, issue: { title: string; body: string; labels: string[] }): Promise<{ number: number }> {
    for (const label of issue.labels) this.#refuseLabel(repo, label);
    return super.createIssue(repo, issue);
  }

  override async addLabel(repo: string, number: number, label: string): Promise<{ eventId: string } | undefined> {
    this.#refuseLabel(repo, label);
    return super.addLabel(repo, number, label);
  }

  override async removeLabel(repo: string, number: number, label: string): Promise<void> {
    const column = this.#columns.get(repo);
    if (!column || !sameName(column.label, label)) return super.removeLabel(repo, number, label);
    return (await import('./board.ts')).leaveColumn(this.#options.client, repo, number, column);
  }

  #columnEntry(repo: string): [string, ReadyColumn][] {
    const column = this.#columns.get(repo);
    return column ? [[repo, column]] : [];
  }

  #presentAll(repo: string, views: IssueView[] | AgentOsError, cards: ReadyCards): IssueView[] | AgentOsError {
    const column = this.#columns.get(repo);
    const found = cards.get(repo);
    if (!column || views instanceof AgentOsError || !found || found instanceof AgentOsError) return views;
    return views.map((view) => presentColumn(view, column.label, found.get(view.issue.number)?.value));
  }

  /** Of these issues, the values of the cards that stand in the column. */
  async #valuesOf(repo: string, column: ReadyColumn, issues: readonly number[]) {
    const place = placeOf(repo, column);
    const { definition, byNumber } = await readCards(this.#options.client, repo, place, issues);
    const option = optionOf(definition, place, column.value);
    return new Map([...byNumber].flatMap(([number, { value }]) => (value?.optionId === option ? [[number, value] as const] : [])));
  }

  #refuseLabel(repo: string, label: string): void {
    const column = this.#columns.get(repo);
    if (!column || !sameName(column.label, label)) return;
    throw new AgentOsError('refused', `\`${label}\` is a column of a project, in which people alone put issues of ${repo}`, {
      hint: 'Move the card by hand, or let a label make issues Ready.',
    });
  }
}

function timesOf(cards: ReadonlyMap<number, { updatedAt: string }>): Map<number, string> {
  return new Map([...cards].map(([number, { updatedAt }]) => [number, updatedAt]));
}

/** Without stamps everything is looked at, and what is wrong is said there. */
function unlessOfAll(error: unknown): undefined {
  if (error instanceof AgentOsError && error.code !== 'rate_limit' && error.code !== 'auth' && error.code !== 'cancelled') return undefined;
  throw error;
}
