/**
 * Books what a question to the configured models costs: reserved by an estimate
 * before it is asked, settled by usage and prices after it. One entry a task;
 * what a killed process may have spent on the same question stays counted in it.
 */
import type { Books } from '../budget/books.ts';
import { questionId } from '../budget/judge-books.ts';
import { findPrice, type OwnPrices, toCostUsd } from '../budget/prices.ts';
import { AgentOsError } from '../errors.ts';
import { estimateTokens } from './fit-text.ts';
import type { Called, ModelName, Question } from './models.ts';

/** Who spends, in the books. */
const MODELS = 'models';
/** US dollars for a million tokens of a model whose price nobody knows: those of a dear one. */
const UNKNOWN_PRICE = { input: 5, cacheRead: 5, cacheWrite: 5, output: 25 };
/** Of the answer that a second try repeats, and what was wrong about it. */
const SECOND_TRY_TOKENS = 8000;

export interface QuestionBooking {
  books: Books;
  models: readonly ModelName[];
  /** Prices that the configuration sets. */
  prices: OwnPrices;
  /** Id of the task that it is about. */
  task: string;
  question: Pick<Question<unknown>, 'system' | 'prompt' | 'maxOutputTokens'>;
}

/** The question may be asked. */
interface Booked {
  /** To be told of each call. */
  onCall: (call: Called) => void;
  /** Settles it with what the calls cost. To be called once it is over, however it ended. @throws AgentOsError `io`, `locked` */
  close(): void;
}

/** @returns `refused`: why the budget allows no question, also where the books cannot be read. @throws AgentOsError `io`, `locked` */
export function bookQuestion({ books, models, prices, task, question }: QuestionBooking): Booked | { refused: string } {
  const id = questionId(task);
  const priceOf = (model: string) => findPrice(model, prices) ?? UNKNOWN_PRICE;
  const input = estimateTokens(question.system) + estimateTokens(question.prompt);
  /** Both tries of one model. */
  const estimate = (model: string) =>
    toCostUsd({ input: 2 * input + SECOND_TRY_TOKENS, cacheRead: 0, cacheWrite: 0, output: 2 * question.maxOutputTokens }, priceOf(model));
  // Cut off before it was settled, the same question may have been paid for already.
  const before = books.inspect().entries.find((entry) => entry.id === id && entry.settledUsd === undefined)?.reservedUsd ?? 0;
  const estimateUsd = before + models.reduce((sum, { model }) => sum + estimate(model), 0);
  const refused = reserve(books, { id, task, agent: MODELS, paid: true, estimateUsd });
  if (refused !== undefined) return { refused };
  const calls: Called[] = [];
  return {
    onCall: (call) => calls.push(call),
    close: () => {
      const costs = calls.map(({ by, usage }) => {
        // A call whose usage nobody tells costs what two would at most: rather too much than too little.
        if (!usage || usage.input_tokens + usage.output_tokens === 0) return estimate(by.model);
        return toCostUsd({ input: usage.input_tokens, cacheRead: 0, cacheWrite: 0, output: usage.output_tokens }, priceOf(by.model));
      });
      if (before === 0 && calls.length === 0) books.release(id);
      else
        books.settle(
          id,
          costs.reduce((sum, cost) => sum + cost, before),
        );
    },
  };
}

function reserve(books: Books, request: Parameters<Books['reserve']>[0]): string | undefined {
  try {
    const grant = books.reserve(request);
    return grant.granted ? undefined : `the budget allows no question to a model: ${grant.reason}`;
  } catch (error) {
    if (error instanceof AgentOsError && error.code === 'corrupt') return error.message;
    throw error;
  }
}
