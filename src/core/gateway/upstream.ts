/** Requests to the one address of a gateway, over connections that are kept. Redirects are not followed. */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface Upstream {
  /** Path of the address, without a slash at its end. */
  readonly basePath: string;
  request(method: string, path: string, headers: Record<string, string>): ClientRequest;
  close(): void;
}

/** @param baseUrl checked by the configuration: https, or http on this machine */
export function openUpstream(baseUrl: string): Upstream {
  const base = new URL(baseUrl);
  const https = base.protocol === 'https:';
  const agent = https ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const open = https ? httpsRequest : httpRequest;
  return {
    basePath: base.pathname.replace(/\/+$/, ''),
    request: (method, path, headers) =>
      open({
        agent,
        method,
        path,
        headers,
        host: base.hostname.replace(/^\[|\]$/g, ''),
        ...(base.port !== '' && { port: base.port }),
        setHost: true,
      }),
    close: () => agent.destroy(),
  };
}
