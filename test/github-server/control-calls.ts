/** The control endpoint: the methods a test calls in-process, as JSON over HTTP, for a test that lives in another process. */
import type { ServerResponse } from 'node:http';
import { Person } from './person.ts';
import { World } from './world.ts';

export interface ControlCall {
  /** Login, for a method of a person. */
  as?: string;
  method: string;
  args?: unknown[];
}

type Methods = Record<string, (...args: unknown[]) => unknown>;

/** What a server offers beyond its world. */
interface Controlled extends World {
  requests: unknown[];
  violations: unknown[];
  fault(fault: never): void;
  clearFaults(): void;
}

function findMethod(server: Controlled, call: ControlCall): () => unknown {
  const args = call.args ?? [];
  if (call.as !== undefined) {
    if (call.method in Object.prototype || !(call.method in Person.prototype)) throw new Error(`a person cannot \`${call.method}\``);
    return () => (server.as(call.as ?? '') as unknown as Methods)[call.method]?.(...args);
  }
  if (call.method === 'requests') return () => server.requests;
  if (call.method === 'violations') return () => server.violations;
  const own = call.method === 'fault' || call.method === 'clearFaults';
  if (!own && (call.method in Object.prototype || !(call.method in World.prototype)))
    throw new Error(`the test GitHub cannot \`${call.method}\``);
  return () => (server as unknown as Methods)[call.method]?.(...args);
}

export function answerControl(server: Controlled, body: string, response: ServerResponse): void {
  try {
    const result = findMethod(server, JSON.parse(body) as ControlCall)();
    const text = JSON.stringify({ result: result ?? null }, (_, value) => (value instanceof Map ? Object.fromEntries(value) : value));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(text);
  } catch (error) {
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
  }
}
