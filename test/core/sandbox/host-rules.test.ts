import { describe, expect, it } from 'vitest';
import { findRule, isPublic, readTarget } from '../../../src/core/sandbox/host-rules.ts';

const LIST = [
  'packages.example.org',
  '*.example.com',
  'Mirror.example.org:8443',
  '10.1.2.3:8080',
  '[fd00::7]:3000',
  '192.0.2.9',
  'deep.*.example.net',
];
const at = (text: string) => {
  const target = readTarget(text, 443);
  return target && findRule(LIST, target);
};

describe('a listed host', () => {
  it.each([
    ['packages.example.org:443', 'name'],
    ['packages.example.org', 'name'],
    ['PACKAGES.example.ORG.:80', 'name'],
    ['a.example.com:443', 'name'],
    ['a.b.example.com:80', 'name'],
    ['mirror.example.org:8443', 'name'],
    ['10.1.2.3:8080', 'address'],
    ['[fd00::7]:3000', 'address'],
    ['192.0.2.9:443', 'address'],
  ])('%s may be reached', (text, kind) => expect(at(text)).toBe(kind));

  it.each([
    'packages.example.org:22',
    'npmjs.org:443',
    'evil-packages.example.org:443',
    'packages.example.org.evil.net:443',
    'example.com:443',
    'notexample.com:443',
    'a.example.com:8443',
    'mirror.example.org:443',
    '10.1.2.3:80',
    '10.1.2.3:443',
    '0x0a010203:8080',
    '[fd00::7]:443',
    '[fd00:0::8]:3000',
    '127.0.0.1:443',
    'localhost:443',
    '169.254.169.254:80',
    'deep.a.example.net:443',
  ])('%s is none', (text) => expect(at(text)).toBeUndefined());

  it.each([
    '',
    ':443',
    'host:0',
    'host:65536',
    'host:port',
    'a b:443',
    'user@packages.example.org:443',
    'a/b:443',
    '::1',
    '[::1',
    '[zz]:443',
    'x:1:2',
  ])('`%s` is no target', (text) => expect(readTarget(text, 443)).toBeUndefined());

  it('is never everything, by accident', () => expect(findRule([], { host: 'example.com', port: 443 })).toBeUndefined());
});

describe('an address', () => {
  it.each(['1.1.1.1', '93.184.216.34', '172.32.0.1', '192.167.0.1', '2606:4700::1111'])('%s is public', (address) => {
    expect(isPublic(address)).toBe(true);
  });

  it.each([
    ...['0.0.0.0', '127.0.0.1', '127.255.0.1', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '169.254.169.254'],
    ...[
      '224.0.0.1',
      '255.255.255.255',
      '198.18.0.1',
      '192.0.0.192',
      '::',
      '::1',
      'fe80::1',
      'fd00::1',
      'fc00::1',
      'ff02::1',
      '::ffff:127.0.0.1',
    ],
    ...['::ffff:8.8.8.8', '64:ff9b::7f00:1', '2002:7f00:1::1', '2001::1', '2001:db8::1', 'fe80::1%eth0', 'localhost', ''],
  ])('`%s` is not', (address) => expect(isPublic(address)).toBe(false));
});
