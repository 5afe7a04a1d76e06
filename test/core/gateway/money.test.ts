/** What a run spends through a gateway, with real requests, side by side, cut and left open. */
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPrice, toCostUsd } from '../../../src/core/budget/prices.ts';
import type { Gateway } from '../../../src/core/gateway/gateway.ts';
import { costOf, holdOf, type Purse, refuseModel } from '../../../src/core/gateway/purse.ts';
import { GatewayPlace, json, said } from '../../support/gateway-place.ts';

const OWN = { big: { input: 0, output: 1 }, dear: { input: 0, output: 10 } };
const toCost: Purse['toCost'] = (model, usage) => {
  const price = findPrice(model, OWN);
  return price && toCostUsd(usage, price);
};
/** A million tokens of `big` cost a dollar. */
const purse = (mostUsd?: number, model = 'big'): Purse => ({ model, toCost, ...(mostUsd !== undefined && { mostUsd }) });

let place: GatewayPlace;
beforeEach(async () => {
  place = await GatewayPlace.open();
});
afterEach(() => place.close());

const MILLION = 1_000_000;
const body = (more: object = {}) => ({ model: 'big', max_tokens: MILLION, ...more });
const stream = (door: Gateway, asked: object, onData: (outgoing: ReturnType<typeof request>) => void = () => {}) => {
  const headers = { 'x-api-key': door.pass };
  const outgoing = request({ agent: false, socketPath: door.socket, method: 'POST', path: '/v1/messages', headers }, (response) => {
    response.on('error', () => {});
    response.on('data', () => onData(outgoing));
  });
  outgoing.on('error', () => {});
  outgoing.end(JSON.stringify(asked));
  return outgoing;
};

describe('a limit of money', () => {
  it('holds for sixty requests at once', async () => {
    place.play = (got, response) => void setTimeout(() => said('big', 0, MILLION)(got, response), 150);
    const door = await place.gateway({ purse: purse(3.5) });
    const answers = await Promise.all(Array.from({ length: 60 }, () => place.ask(door, { body: body() })));
    // Three fit at once; the fourth may run, for something is left.
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(4);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(56);
    expect(place.got).toHaveLength(4);
    expect(place.atOnce).toBe(3);
    expect(door.report()).toMatchObject({ cost: { usd: 4, estimated: false }, failure: { kind: 'limit' } });
  });

  it('lets those run side by side that fit, and others wait until they have ended', async () => {
    place.play = (got, response) => void setTimeout(() => said('big', 0, 1000)(got, response), 150);
    const door = await place.gateway({ purse: purse(2.5) });
    const answers = await Promise.all(Array.from({ length: 10 }, () => place.ask(door, { body: body() })));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(place.atOnce).toBe(2);
    expect(door.report().cost?.usd).toBeCloseTo(0.01, 6);
  });

  it('takes a request that names no limit for the longest answer there is', async () => {
    place.play = (got, response) => void setTimeout(() => said('big', 0, 1000)(got, response), 150);
    const door = await place.gateway({ purse: purse(0.3) });
    await Promise.all(Array.from({ length: 6 }, () => place.ask(door, { body: { model: 'big' } })));
    expect(place.atOnce).toBe(2);
  });

  it('is not waited for by an agent that went away', async () => {
    place.play = () => {};
    const door = await place.gateway({ purse: purse(1) });
    const first = stream(door, body({ stream: true }));
    await expect.poll(() => place.got.length).toBe(1);
    const waiting = Array.from({ length: 5 }, () => stream(door, body()));
    await sleep(50);
    for (const one of waiting) one.destroy();
    await sleep(50);
    first.destroy();
    place.play = said('big', 0, 1);
    expect(await place.ask(door, { body: body() })).toMatchObject({ status: 200 });
    expect(place.got).toHaveLength(2);
    expect(door.report().requests).toBe(2);
  });

  it('refuses a model whose price nobody knows, and does not end the run', async () => {
    const door = await place.gateway({ purse: purse(5) });
    const refused = await place.ask(door, { body: { model: 'o9-pro' } });
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('the model `o9-pro` is not allowed');
    expect(door.report()).toMatchObject({ requests: 0, refused: [expect.stringContaining('o9-pro')] });
    place.play = said('big', 0, 1);
    expect(await place.ask(door, { body: body() })).toMatchObject({ status: 200 });
  });
});

describe('an answer that nobody counted', () => {
  const begin = (text: string) => (_: unknown, response: import('node:http').ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text);
  };
  const START = `data: {"type":"message_start","message":{"model":"big","usage":{"input_tokens":7,"output_tokens":1}}}\n\n`;
  const LONG = `data: {"text":"${'x'.repeat(30_000)}"}\n\n`;

  it('costs an estimate where the agent goes away in the middle', async () => {
    place.play = begin(START + LONG);
    const door = await place.gateway({ purse: purse() });
    let seen = 0;
    stream(door, body({ stream: true }), (outgoing) => {
      if (++seen === 1) setTimeout(() => outgoing.destroy(), 50);
    });
    await expect.poll(() => door.report().cost).toMatchObject({ estimated: true });
    await expect.poll(() => door.report().cost?.usd).toBeCloseTo((START.length + LONG.length) / 3 / MILLION, 5);
    await sleep(100);
    expect(door.report().cost?.usd).toBeCloseTo((START.length + LONG.length) / 3 / MILLION, 5);
    expect(door.report().usage).toEqual({ input: 7, cacheRead: 0, cacheWrite: 0, output: 1 });
  });

  it('costs no more than the answer may have had', async () => {
    place.play = (_, response) => {
      begin(LONG)(_, response);
      setTimeout(() => response.destroy(), 20);
    };
    const door = await place.gateway({ purse: purse() });
    await place.ask(door, { body: body({ max_tokens: 500 }) });
    expect(door.report()).toMatchObject({ cost: { usd: 500 / MILLION, estimated: true }, failure: { kind: 'overloaded' } });
  });

  it('costs an estimate where it stalls, and where it came whole without a count', async () => {
    place.play = begin(LONG);
    const door = await place.gateway({ purse: purse(), idleMs: 200 });
    await place.ask(door, { body: body({ stream: true }) });
    expect(door.report()).toMatchObject({ cost: { estimated: true }, failure: { kind: 'stalled' } });
    const first = door.report().cost?.usd ?? 0;
    expect(first).toBeGreaterThan(0.01);
    place.play = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(LONG);
    };
    await place.ask(door, { body: body({ stream: true }) });
    expect(door.report().cost?.usd).toBeCloseTo(2 * first, 6);
  });

  it('costs all that was asked for where it was to come in one piece and was not waited for', async () => {
    place.play = () => {};
    const door = await place.gateway({ purse: purse() });
    const outgoing = stream(door, body({ max_tokens: 2000 }));
    await expect.poll(() => place.got.length).toBe(1);
    // It is open: as if the run ended now.
    expect(door.report().cost).toEqual({ usd: 0.002, estimated: true });
    outgoing.destroy();
    await sleep(100);
    expect(door.report().cost).toEqual({ usd: 0.002, estimated: true });
  });

  it.each([
    ['is refused', json(429, { error: { message: 'slow' } })],
    ['fails', json(500, {})],
  ])('costs nothing where it %s before it began', async (_, play) => {
    place.play = play;
    const door = await place.gateway({ purse: purse() });
    await place.ask(door, { body: body() });
    expect(door.report()).toMatchObject({ requests: 1, cost: { usd: 0, estimated: false } });
  });

  it('is counted in a stream of Chat Completions, which tells when it is asked', async () => {
    place.play = (got, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const usage = got.body.includes('"include_usage":true') ? { prompt_tokens: 0, completion_tokens: 1000 } : null;
      response.end(
        `data: {"model":"big","choices":[]}\n\ndata: ${JSON.stringify({ model: 'big', choices: [], usage })}\n\ndata: [DONE]\n\n`,
      );
    };
    const door = await place.gateway({ purse: purse(), protocol: 'openai' });
    await place.ask(door, { path: '/v1/chat/completions', body: { model: 'big', stream: true } });
    expect(door.report().cost).toEqual({ usd: 0.001, estimated: false });
  });

  it('makes the cost unknown where its price is', async () => {
    const door = await place.gateway({ purse: purse(undefined, 'nobody-knows') });
    await place.ask(door, { body: { model: 'nobody-knows-2' } });
    expect(door.report()).not.toHaveProperty('cost');
  });
});

describe('the price of an answer', () => {
  const usage = { input: 0, cacheRead: 0, cacheWrite: 0, output: MILLION };
  it.each<[string, string, string | undefined, number | undefined]>([
    ['by the name that it gives', 'big', 'big', 1],
    ['by the dearer of two that are known', 'dear', 'big', 10],
    ['by the dearer of two that are known', 'big', 'dear', 10],
    ['by what was asked for, where it gives a name that nobody knows', 'dear', 'x', 10],
    ['by the configured one, where that is dearer', 'big', 'x', 1],
    ['by the configured one, where nothing else is known', '', undefined, 1],
    ['of a smaller model, which costs what it costs', 'gpt-5-nano', 'gpt-5-nano', 0.4],
  ])('is %s: %s, %s', (_, asked, answered, usd) => {
    expect(costOf(purse(), asked, answered, usage)).toBe(usd);
  });

  it.each<[string, string, boolean]>([
    ['big', 'big', true],
    ['big', '', true],
    ['big', 'gpt-5-mini', true],
    ['big', 'o9-pro', false],
    ['big', '__proto__', false],
    ['claude-sonnet-4-5', 'claude-haiku-9-20300101', true],
    ['claude-sonnet-4-5', 'claude-opus-9', false],
    ['nobody-knows', 'o9-pro', true],
  ])('where %s is configured, %s may be asked: %s', (configured, asked, may) => {
    expect(refuseModel(purse(1, configured), asked) === undefined).toBe(may);
    expect(refuseModel(purse(undefined, configured), asked)).toBeUndefined();
  });

  it('lets an alias stand for the models of its name', () => {
    const known: Purse = { model: 'sonnet', mostUsd: 1, toCost: (model) => (model === 'sonnet' ? 1 : undefined) };
    expect(refuseModel(known, 'claude-sonnet-5-5')).toBeUndefined();
    expect(refuseModel(known, 'claude-opus-5-5')).toContain('not allowed');
  });

  it('is held with what the request holds, as if its cache were written', () => {
    const claude = purse(1, 'claude-sonnet-4-5');
    expect(holdOf(claude, { model: '', bytes: 3 * MILLION, stream: true, maxOutput: 1000 })).toBeCloseTo(3.75 + 0.015, 6);
    expect(holdOf(purse(1, 'nobody-knows'), { model: 'x', bytes: 1, stream: true })).toBe(0);
  });
});
