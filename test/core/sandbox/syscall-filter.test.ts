/** The filter as the kernel would run it, for every machine; and on this one, what the kernel makes of it. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { findProgram } from '../../../src/core/process.ts';
import { toSyscallFilter } from '../../../src/core/sandbox/syscall-filter.ts';
import { hasBwrap, makePlace, makeRun, openDriver, PATH } from '../../support/sandboxes.ts';

const ALLOWED = 0x7fff0000;
const REFUSED = 0x00050001;

/** Runs a filter of loads, jumps and ends over `struct seccomp_data`; a jump out of it throws. */
function judge(filter: Uint8Array, arch: number, number: number, second = 0, first = 0): number {
  const code = new DataView(filter.buffer);
  const data: Record<number, number> = { 0: number, 4: arch, 16: first, 24: second };
  let held = 0;
  for (let at = 0; ; at++) {
    const value = code.getUint32(at * 8 + 4, true);
    const skip = (is: boolean) => code.getUint8(at * 8 + (is ? 2 : 3));
    switch (code.getUint16(at * 8, true)) {
      case 0x20:
        held = data[value] ?? Number.NaN;
        break;
      case 0x15:
        at += skip(held === value);
        break;
      case 0x35:
        at += skip(held >= value);
        break;
      case 0x06:
        return value;
      default:
        throw new Error(`no instruction at ${at}`);
    }
  }
}

/** Numbers of the kernel's tables: read, execve, clone, and those that are refused. */
const TABLES = {
  x64: {
    ...{ machine: 'x64', arch: 0xc000003e, ioctl: 16, socket: 41, free: [0, 59, 56, 101, 165, 53] },
    refused: [248, 249, 250, 298, 321, 323, 103, 425],
  },
  i386: {
    ...{ machine: 'x64', arch: 0x40000003, ioctl: 54, socket: 359, free: [3, 11, 120, 16, 250] },
    refused: [286, 287, 288, 336, 357, 374, 103, 425, 102],
  },
  arm64: {
    ...{ machine: 'arm64', arch: 0xc00000b7, ioctl: 29, socket: 198, free: [63, 221, 220, 117, 16] },
    refused: [217, 218, 219, 241, 280, 282, 116, 425],
  },
  arm: {
    ...{ machine: 'arm64', arch: 0x40000028, ioctl: 54, socket: 281, free: [3, 11, 120, 29, 219] },
    refused: [309, 310, 311, 364, 386, 388, 103, 425, 102],
  },
};

describe.each(Object.entries(TABLES))('toSyscallFilter, %s', (_, { machine, arch, ioctl, socket, free, refused }) => {
  const filter = toSyscallFilter(machine) ?? new Uint8Array();

  it('refuses its calls and allows the others', () => {
    expect(free.map((number) => judge(filter, arch, number))).toEqual(free.map(() => ALLOWED));
    expect(refused.map((number) => judge(filter, arch, number))).toEqual(refused.map(() => REFUSED));
  });
  it('refuses what pushes into a terminal, and no other `ioctl`', () => {
    expect([0x5412, 0x541c].map((command) => judge(filter, arch, ioctl, command))).toEqual([REFUSED, REFUSED]);
    expect([0x5401, 0x5413, 0].map((command) => judge(filter, arch, ioctl, command))).toEqual([ALLOWED, ALLOWED, ALLOWED]);
  });
  it('refuses sockets to the host of a virtual machine, and no other family', () => {
    expect(judge(filter, arch, socket, 1, 40)).toBe(REFUSED);
    expect([1, 2, 10, 16].map((family) => judge(filter, arch, socket, 40, family))).toEqual([ALLOWED, ALLOWED, ALLOWED, ALLOWED]);
  });
  it('refuses every call in a way that it does not know', () => {
    expect(judge(filter, 0xc0000015, 0)).toBe(REFUSED);
  });
});

it('refuses the second table of x86_64, and knows no other machine', () => {
  expect(judge(toSyscallFilter('x64') ?? new Uint8Array(), 0xc000003e, 0x40000000 + 250)).toBe(REFUSED);
  expect([toSyscallFilter('s390x'), toSyscallFilter('constructor')]).toEqual([undefined, undefined]);
});

const perl = findProgram('perl', PATH) ?? '';
const NUMBERS = { x64: [248, 250, 323, 298, 321, 425], arm64: [217, 219, 282, 241, 280, 425] }[process.arch as string] ?? [];
const [addKey = 0, keyctl = 0, ...others] = NUMBERS;

describe.skipIf(!hasBwrap || NUMBERS.length === 0 || perl === '')('in the sandbox', () => {
  const name = `agentos-${randomBytes(6).toString('hex')}`;
  /** Adds a key to the keyring of this user, for every process of it to read; prints its number. */
  const add = `my ($type, $name, $words) = ("user", "${name}", "KANARI"); my $key = syscall(${addKey}, $type, $name, $words, 6, -4);
    syscall(${keyctl}, 5, $key, 0x3f3f0000); print $key;`;
  /** Prints what the key holds, or the errno. */
  const read = (key: string) => `my $words = " " x 6; print syscall(${keyctl}, 11, ${key}, $words, 6) < 0 ? "errno ".(0 + $!) : $words;`;
  const attempts = others.map((number) => `print " ", syscall(${number}, 0, 0, 0, 0, 0) < 0 ? 0 + $! : "done";`).join('');
  const sockets = [40, 2, 1].map((family) => `print " ", socket(my $s, ${family}, 1, 0) ? "made" : 0 + $!;`).join('');

  it('gives away no key of this user, and makes none of the other calls', async () => {
    const place = makePlace();
    const key = execFileSync(perl, ['-e', add], { encoding: 'utf8' });
    expect(execFileSync(perl, ['-e', read(key)], { encoding: 'utf8' })).toBe('KANARI');
    try {
      const sandbox = await openDriver('bubblewrap', place);
      const script = `perl -e '${read(key)}${attempts}${sockets}'; echo; grep -h Seccomp: /proc/1/status /proc/self/status`;
      const { output } = await sandbox.run(makeRun(place, ['/bin/sh', '-c', script]), new AbortController().signal);
      expect(output.split('\n')).toEqual(['errno 1 1 1 1 1 1 made made', 'Seccomp:\t2', 'Seccomp:\t2', '']);
    } finally {
      execFileSync(perl, ['-e', `syscall(${keyctl}, 9, ${key}, -4)`]);
      place.remove();
    }
  });
});
