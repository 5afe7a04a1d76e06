/** Who a request comes from: a token, an App's JWT, or nobody. */
import { verify } from 'node:crypto';
import type { Viewer } from './accounts.ts';
import { Refusal } from './call.ts';
import type { Store } from './store.ts';

export interface Caller {
  viewer?: Viewer;
  appId?: number;
  kind: 'none' | 'classic' | 'fine-grained' | 'installation' | 'app';
}

/** @throws 401 for a credential that is none. */
export function authenticate(store: Store, header: string | undefined): Caller {
  if (header === undefined) return { kind: 'none' };
  const [scheme = '', value = ''] = header.split(/ +(.*)/s);
  const secret = /^basic$/i.test(scheme)
    ? Buffer.from(value, 'base64')
        .toString('utf8')
        .replace(/^[^:]*:/, '')
    : value;
  if (/^bearer$/i.test(scheme) && /^ey[^.]+\.[^.]+\.[^.]+$/.test(secret)) return { appId: readJwt(store, secret), kind: 'app' };
  const viewer = store.viewer(secret);
  if (!viewer) throw new Refusal(401, 'Bad credentials');
  return { viewer, kind: viewer.token.kind };
}

function readJwt(store: Store, jwt: string): number {
  const [head = '', payload = '', signature = ''] = jwt.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { iss: string | number; iat: number; exp: number };
  const app = store.state.apps.get(Number(claims.iss));
  const now = store.millis() / 1000;
  if (!app || !verify('RSA-SHA256', Buffer.from(`${head}.${payload}`), app.publicKey, Buffer.from(signature, 'base64url')))
    throw new Refusal(401, 'A JSON web token could not be decoded');
  if (!(claims.exp > now)) {
    throw new Refusal(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  }
  if (claims.exp > now + 660) throw new Refusal(401, "'Expiration time' claim ('exp') is too far in the future");
  if (claims.iat > now + 60)
    throw new Refusal(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued");
  return app.id;
}
