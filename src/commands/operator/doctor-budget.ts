/** What `agentos doctor` looks at where money and providers are concerned: the books, the breakers, the prices. */
import { judgeBooks } from '../../core/budget/judge-books.ts';
import { limitOf } from '../../core/budget/ledger.ts';
import { findPrice } from '../../core/budget/prices.ts';
import type { AgentConfig, ConfigFile } from '../../core/config/schema.ts';
import type { Ports } from '../../core/ports.ts';
import { isResting } from '../../core/routing/breaker.ts';
import { cleanLine } from '../../core/text.ts';
import { type Check, guard } from './doctor-checks.ts';
import { lookAtBreakers, readLetters } from './gather-fsck.ts';

export async function checkBudget(ports: Ports): Promise<Check[]> {
  return [
    ...(await guard('books', () => checkBooks(ports))),
    ...(await guard('breakers', () => checkBreakers(ports))),
    ...decidePriceChecks(ports.config),
  ];
}

async function checkBooks(ports: Ports): Promise<Check[]> {
  const inspection = (await ports.books()).inspect();
  const { letters } = await readLetters(ports);
  const problems = judgeBooks(
    inspection,
    letters.map(({ letter }) => letter),
    ports.clock.now(),
  );
  if (problems.length === 0) return [{ name: 'books', state: 'ok', what: 'every line can be read' }];
  return problems.map(({ kind, where, what, remedy }) => {
    const state = kind === 'unreadable' ? 'bad' : 'warn';
    return { name: 'books', state, what: kind === 'unreadable' ? what : `\`${where}\`: ${what}`, remedy };
  });
}

function checkBreakers(ports: Ports): Check[] {
  return lookAtBreakers(ports.paths.breakers).flatMap(({ agent, path, breaker }): Check[] => {
    const name = `agent ${agent}`;
    if (!breaker) {
      return [{ name, state: 'warn', what: `\`${path}\` cannot be read, and rests nobody`, remedy: 'Remove it; it is written anew.' }];
    }
    if (!isResting(breaker, ports.clock.now())) return [];
    const what = `it rests until ${breaker.until}: ${cleanLine(breaker.reason, 300)}`;
    return [{ name, state: 'warn', what, remedy: `Put it right, then remove \`${path}\` to try at once.` }];
  });
}

/** Names that Claude Code takes for the newest of a kind: its answers give the true one, whose price is known. */
const CLAUDE_ALIAS = /^(default|sonnet|opus|haiku|opusplan)(\[1m\])?$/;

/** Models without a price that a limit on money concerns: they can be counted by what they reserve only. */
export function decidePriceChecks({
  agents,
  models,
  budgets,
  prices,
}: Pick<ConfigFile, 'agents' | 'models' | 'budgets' | 'prices'>): Check[] {
  const all = [budgets.per_task_usd, budgets.per_day_usd, budgets.per_run_usd].some((limit) => limit !== undefined);
  const isKnown = (model: string) => findPrice(model, prices) !== undefined;
  const named = Object.entries(agents).flatMap(([agent, config]) => {
    const model = modelOf(config);
    const limited = all || limitOf(budgets.per_agent_month_usd, agent) !== undefined;
    return model !== undefined && limited && !isKnown(model) ? [toPriceCheck(`agent ${agent}`, model, 'each run counts with')] : [];
  });
  const asked = all ? models.filter(({ model }) => !isKnown(model)) : [];
  return [...named, ...asked.map(({ model }) => toPriceCheck('models', model, 'each question counts with'))];
}

function modelOf(config: AgentConfig): string | undefined {
  if (!('model' in config)) return undefined;
  return config.kind === 'claude' && config.base_url === undefined && CLAUDE_ALIAS.test(config.model) ? undefined : config.model;
}

function toPriceCheck(name: string, model: string, counts: string): Check {
  const what = `nobody knows what \`${cleanLine(model)}\` costs: ${counts} what it reserves, and cannot be ended by its cost`;
  return { name, state: 'warn', what, remedy: 'Set its price under `prices`.' };
}
