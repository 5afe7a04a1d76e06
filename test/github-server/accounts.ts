/**
 * Records of who there is: accounts, tokens, Apps. Plain, like `records.ts`:
 * they point to each other by numeric id.
 */

export type Role = 'read' | 'triage' | 'write' | 'maintain' | 'admin';
export type Level = 'read' | 'write';
/** As in GitHub's fine-grained permissions: `issues`, `contents`, `pull_requests`, `checks`, `statuses`, `actions`, `workflows`, `administration`, `organization_projects`, … */
export type Permissions = Record<string, Level>;

export interface User {
  id: number;
  nodeId: string;
  /** Changes on a rename; compared whatever the case. */
  login: string;
  type: 'User' | 'Bot' | 'Organization';
  createdAt: string;
}

export interface Token {
  /** The secret itself. */
  token: string;
  kind: 'classic' | 'fine-grained' | 'installation';
  userId: number;
  /** Of a classic token. */
  scopes: string[];
  /** Of the other kinds: what they may do, and where. */
  permissions: Permissions;
  repositoryIds: number[] | 'all';
  installationId?: number;
  appId?: number;
  expiresAt?: string;
}

/** Who a request acts as. */
export interface Viewer {
  userId: number;
  token: Token;
}

export interface App {
  id: number;
  nodeId: string;
  slug: string;
  name: string;
  ownerId: number;
  /** The user `slug[bot]`. */
  botId: number;
  publicKey: string;
  permissions: Permissions;
  createdAt: string;
}

export interface Installation {
  id: number;
  appId: number;
  accountId: number;
  repositoryIds: number[] | 'all';
  permissions: Permissions;
  createdAt: string;
}
