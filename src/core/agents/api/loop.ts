/**
 * The loop: ask the model, do what it asks for, tell it, until it has written
 * its result and asks for nothing more. Everything it reaches comes in as a
 * port; every way out is named.
 */
import { addUsage } from '../../gateway/usage.ts';
import { cleanLine } from '../../text.ts';
import type { AgentFailure, TokenUsage } from '../report.ts';
import { ModelFailure } from './ask-model.ts';
import type { ChatAnswer } from './chat-model.ts';
import { compact, type Strength } from './compact.ts';
import { estimateTokens, type ToolCall, type ToolResult, type Turn } from './conversation.ts';
import { type ApiEvent, NO_USAGE, toRecord } from './events.ts';
import { countRepeat, judgeRepeats, NO_REPEATS } from './repeats.ts';
import { REPEAT_WARNING, renderLastTurns, renderReminder } from './system-prompt.ts';

export interface LoopLimits {
  /** Answers of the model. */
  turns: number;
  /** Tokens of the whole run, in and out, cached ones too. */
  tokens: number;
  /** Tokens of one conversation. */
  context: number;
}

export interface LoopPorts {
  /** @throws ModelFailure */
  ask(turns: readonly Turn[]): Promise<ChatAnswer>;
  /** Never rejects for what the model asked. */
  callTool(call: ToolCall): Promise<ToolResult>;
  /** What is wrong with the result file; `undefined` when it is valid. */
  findResultProblem(): string | undefined;
  /** As the model should name it. */
  resultFile: string;
  /** Tokens of what goes with every request: system prompt and tools. */
  overhead: number;
  emit(event: ApiEvent): void;
}

export interface LoopEnd {
  turns: number;
  usage: TokenUsage;
  /** Absent: the model ended by itself, with a valid result file. */
  failure?: AgentFailure;
}

/** How often an answer that ends too early is sent back. */
const REMINDERS = 2;
/** With how many turns left the model is told so. */
const WARN_TURNS = 5;

/**
 * @param task the prompt: stays in the conversation whole, whatever happens
 * @throws what `ports.ask` throws beside ModelFailure: the run was stopped
 */
export async function runLoop(task: string, limits: LoopLimits, ports: LoopPorts): Promise<LoopEnd> {
  const loop = new Loop(task, limits, ports);
  let outcome: Outcome = 'go on';
  while (outcome === 'go on') outcome = await loop.step();
  const { turns, usage } = loop;
  return { turns, usage, ...(outcome !== 'finished' && { failure: outcome }) };
}

type Outcome = 'go on' | 'finished' | AgentFailure;

class Loop {
  turns = 0;
  usage: TokenUsage = NO_USAGE;
  private conversation: readonly Turn[];
  private readonly limits: LoopLimits;
  private readonly ports: LoopPorts;
  private reminders = 0;
  private repeats = NO_REPEATS;
  /** What the provider counts for each token of our estimate; learnt from its answers. */
  private scale = 1;

  constructor(task: string, limits: LoopLimits, ports: LoopPorts) {
    this.conversation = [{ role: 'user', text: task }];
    this.limits = limits;
    this.ports = ports;
  }

  /** One answer of the model and what follows from it. */
  async step(): Promise<Outcome> {
    if (this.turns >= this.limits.turns) return limit(`the run used up its ${this.limits.turns} turns`);
    if (totalOf(this.usage) >= this.limits.tokens) return limit(`the run used up its ${this.limits.tokens} tokens`);
    if (!this.makeRoom('gentle') && !this.makeRoom('hard')) return tooLong();
    const answer = await this.ask();
    if ('kind' in answer) return answer;
    this.turns++;
    this.learn(answer.usage);
    this.usage = addUsage(this.usage, answer.usage) ?? this.usage;
    this.ports.emit({ type: 'answer', turn: this.turns, text: cleanLine(answer.text, 1000), usage: this.usage });
    this.add({ role: 'model', text: answer.text, calls: answer.calls, ...(answer.kept !== undefined && { kept: answer.kept }) });
    return answer.calls.length > 0 ? this.callTools(answer.calls) : this.judgeEnd(answer);
  }

  /** A conversation that only the provider finds too long is shortened once. */
  private async ask(): Promise<ChatAnswer | AgentFailure> {
    for (let first = true; ; first = false) {
      this.ports.emit({ type: 'request', turn: this.turns + 1, tokens: this.estimate() });
      try {
        return await this.ports.ask(this.conversation);
      } catch (error) {
        if (!(error instanceof ModelFailure)) throw error;
        if (error.failure.kind !== 'context_too_long' || !first) return error.failure;
        this.makeRoom('hard');
      }
    }
  }

  /** Each call is answered, also where the run ends with this turn. */
  private async callTools(calls: readonly ToolCall[]): Promise<Outcome> {
    const results: ToolResult[] = [];
    let stopped = false;
    for (const call of calls) {
      const result = await this.ports.callTool(call);
      this.ports.emit({
        type: 'call',
        tool: cleanLine(call.tool, 40),
        input: cleanLine(JSON.stringify(call.input) ?? '', 300),
        failed: result.failed,
        text: cleanLine(result.text, 300),
      });
      this.repeats = countRepeat(this.repeats, call, result);
      const verdict = judgeRepeats(this.repeats);
      results.push(verdict === 'warn' ? withNote(result, REPEAT_WARNING) : result);
      stopped ||= verdict === 'stop';
    }
    const left = this.limits.turns - this.turns;
    const last = results.pop();
    if (last) results.push(left === WARN_TURNS ? withNote(last, renderLastTurns(left, this.ports.resultFile)) : last);
    this.add({ role: 'tools', results });
    return stopped ? limit(`the model made the same call ${this.repeats.count} times in a row`) : 'go on';
  }

  /** The model called no tool: it is done, or has to be told that it is not. */
  private judgeEnd({ end }: ChatAnswer): Outcome {
    const problem = this.ports.findResultProblem();
    if (problem === undefined) return 'finished';
    const words = end === 'refused' ? 'the model refused the task' : `the model ended its work, but ${problem}`;
    if (this.reminders >= REMINDERS) return { kind: 'crashed', message: cleanLine(words) };
    this.reminders++;
    this.ports.emit({ type: 'note', text: `reminded: ${cleanLine(problem)}` });
    this.add({ role: 'user', text: renderReminder(problem, this.ports.resultFile, end === 'cut') });
    return 'go on';
  }

  private add(turn: Turn): void {
    this.conversation = [...this.conversation, turn];
  }

  private estimate(): number {
    return Math.ceil((estimateTokens(this.conversation) + this.ports.overhead) * this.scale);
  }

  /** False when it cannot be made short enough. A hard change halves what is there. */
  private makeRoom(strength: Strength): boolean {
    const room = this.limits.context / this.scale - this.ports.overhead;
    const budget = strength === 'gentle' ? room : Math.min(room, estimateTokens(this.conversation));
    const { turns, leftOut, fits } = compact(this.conversation, budget, strength);
    if (turns === this.conversation) return fits;
    this.conversation = turns;
    this.ports.emit({ type: 'note', text: `shortened the conversation: ${leftOut} results left out, now ${this.estimate()} tokens` });
    return fits;
  }

  private learn(usage: TokenUsage | undefined): void {
    if (!usage) return;
    const counted = usage.input + usage.cacheRead + usage.cacheWrite;
    const estimated = estimateTokens(this.conversation) + this.ports.overhead;
    // Never below our own estimate, and no single count is believed without bounds.
    this.scale = Math.min(3, Math.max(1, counted / estimated));
  }
}

function withNote(result: ToolResult, note: string): ToolResult {
  return { ...result, text: `${result.text}\n\n${note}` };
}

function totalOf({ input, cacheRead, cacheWrite, output }: TokenUsage): number {
  return input + cacheRead + cacheWrite + output;
}

function limit(message: string): AgentFailure {
  return { kind: 'limit', message };
}

function tooLong(): AgentFailure {
  return { kind: 'context_too_long', message: 'the conversation is too long, however it is shortened' };
}

/** The last line of a run. */
export function toEndEvent({ turns, usage, failure }: LoopEnd): ApiEvent {
  return { type: 'end', finished: failure === undefined, turns, usage, ...(failure && { failure: toRecord(failure) }) };
}
