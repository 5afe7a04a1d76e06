/**
 * Which hosts a run may reach (`sandbox.network`), and which addresses are
 * nobody's business whatever a name server says: a listed name that leads to
 * this machine or its network is refused, so a name cannot be bent to an
 * address that was never listed.
 */
import { BlockList, isIP } from 'node:net';

/** Where a request wants to go. */
export interface Target {
  /** Lower case, without the dot at the end and without brackets. */
  host: string;
  port: number;
}

interface Rule {
  host: string;
  /** The names below `host`, and not itself. */
  below: boolean;
  /** Absent: 80 and 443. */
  port?: number;
}

const WEB_PORTS = [80, 443];

/** Addresses that are not on the public internet, or stand for others that may not be. */
const NOT_PUBLIC = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv6');
}
const GLOBAL = new BlockList();
GLOBAL.addSubnet('2000::', 3, 'ipv6');

/** True for an address of the public internet. */
export function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !NOT_PUBLIC.check(address, 'ipv4');
  return isIP(address) === 6 && GLOBAL.check(address, 'ipv6') && !NOT_PUBLIC.check(address, 'ipv6');
}

/**
 * Reads `host`, `host:port`, `[address]` or `[address]:port`.
 * @returns `undefined` when it is none of them.
 */
export function readTarget(text: string, defaultPort: number): Target | undefined {
  const { host, port = defaultPort } = readHost(text) ?? { host: '' };
  return host === '' ? undefined : { host, port };
}

/** What the list allows, and whether it was listed as an address, which then may be any. */
export function findRule(rules: readonly string[], target: Target): 'name' | 'address' | undefined {
  const rule = rules.map(readRule).find((one) => one !== undefined && matches(one, target));
  if (rule === undefined) return undefined;
  return isIP(rule.host) === 0 ? 'name' : 'address';
}

function readRule(text: string): Rule | undefined {
  const below = text.startsWith('*.');
  const host = readHost(below ? text.slice(2) : text);
  return host && { ...host, below };
}

function readHost(text: string): { host: string; port?: number } | undefined {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/@\s]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = (bracketed ?? plain ?? '').toLowerCase().replace(/\.$/, '');
  if (host === '' || (bracketed !== undefined && isIP(bracketed) !== 6)) return undefined;
  if (port === undefined) return { host };
  return Number(port) >= 1 && Number(port) <= 65_535 ? { host, port: Number(port) } : undefined;
}

function matches(rule: Rule, target: Target): boolean {
  if (!(rule.port === undefined ? WEB_PORTS.includes(target.port) : rule.port === target.port)) return false;
  return rule.below ? isIP(target.host) === 0 && target.host.endsWith(`.${rule.host}`) : rule.host === target.host;
}
