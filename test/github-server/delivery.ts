/** Writes an answer, or what a planned fault leaves of it. */
import type { ServerResponse } from 'node:http';
import type { Asked, Fault } from './faults.ts';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const HTML =
  '<!DOCTYPE html><html><head><title>Unicorn! &middot; GitHub</title></head><body>This page is taking too long to load.</body></html>';
const BAD_GATEWAY: Answer = { status: 502, headers: { 'content-type': 'text/html' }, body: HTML };

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
const json = (status: number, message: string, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { ...JSON_TYPE, ...headers },
  body: JSON.stringify({ message, documentation_url: 'https://docs.github.com/rest', status: String(status) }),
});

/** What a fault answers instead of letting the request through: an answer, silence, or nothing of the kind. */
export function answerBefore(fault: Fault | undefined, nowSeconds: number, kind: Asked['kind']): Answer | 'silence' | undefined {
  const secondary = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
  const retry: Record<string, string> = fault?.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
  switch (fault?.kind) {
    case '502-before':
      return BAD_GATEWAY;
    case 'hang-before':
      return 'silence';
    case '403-secondary':
      return json(403, secondary, retry);
    case '429-secondary':
      return json(429, secondary, retry);
    case 'primary': {
      const reset = String(Math.ceil(nowSeconds) + (fault.retryAfter ?? 60));
      const headers = { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '0', 'x-ratelimit-used': '5000', 'x-ratelimit-reset': reset };
      if (kind === 'graphql') {
        const body = JSON.stringify({ errors: [{ type: 'RATE_LIMITED', message: 'API rate limit exceeded for this user.' }] });
        return { status: 200, headers: { ...JSON_TYPE, ...headers, 'x-ratelimit-resource': 'graphql' }, body };
      }
      return json(403, 'API rate limit exceeded for this user.', { ...headers, 'x-ratelimit-resource': 'core' });
    }
    case '401':
      return json(401, 'Bad credentials');
    case '404':
      return json(404, 'Not Found');
    default:
      return undefined;
  }
}

export function deliver(response: ServerResponse, answer: Answer, fault: Fault | undefined): void {
  const { status, headers, body } = fault?.kind === '502-after' ? BAD_GATEWAY : answer;
  const { link, ...others } = headers;
  const sent: Record<string, string> = { ...others, ...(link !== undefined && fault?.kind !== 'no-link' && { link }) };
  const write = (text: string, code = status) => {
    response.writeHead(code, { ...sent, ...(code !== 204 && code !== 304 && { 'content-length': String(Buffer.byteLength(text)) }) });
    response.end(text);
  };
  switch (fault?.kind) {
    case 'hang-after':
      return;
    case 'reset-after':
      response.socket?.resetAndDestroy();
      return;
    case 'cut':
      response.writeHead(status, { ...sent, 'content-length': String(Buffer.byteLength(body)) });
      response.write(body.slice(0, Math.ceil(body.length / 2)), () => response.socket?.destroy());
      return;
    case 'drip':
      response.writeHead(status, { ...sent, 'content-length': String(Buffer.byteLength(body)) });
      drip(response, Buffer.from(body));
      return;
    case 'html':
      sent['content-type'] = 'text/html';
      write(HTML, 200);
      return;
    case 'truncated':
      write(body.slice(0, Math.ceil(body.length / 2)));
      return;
    default:
      write(body);
  }
}

function drip(response: ServerResponse, body: Buffer): void {
  let at = 0;
  const step = () => {
    if (at >= body.length) {
      clearInterval(timer);
      response.end();
    } else {
      response.write(body.subarray(at, ++at));
    }
  };
  const timer = setInterval(step, 1000);
  response.on('close', () => clearInterval(timer));
  step();
}
