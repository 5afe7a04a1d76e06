/** An error in the words of each protocol, as the gateway itself gives it. Pure. */
import type { Protocol } from './gateway.ts';

export function renderRefusal(protocol: Protocol, status: number, message: string): string {
  switch (protocol) {
    case 'anthropic':
      return JSON.stringify({ type: 'error', error: { type: status === 401 ? 'authentication_error' : 'invalid_request_error', message } });
    case 'openai':
      return JSON.stringify({ error: { type: 'invalid_request_error', code: 'agentos_gateway', message, param: null } });
    case 'google':
      return JSON.stringify({ error: { code: status, status: status === 401 ? 'UNAUTHENTICATED' : 'INVALID_ARGUMENT', message } });
  }
}
