/**
 * The calls of the kernel that no confined program may make: those that reach
 * what no namespace holds (the keyrings of this user, the input of a terminal,
 * the host of a virtual machine, the log of the kernel) and those that are of
 * no use to a program and often a way into the kernel. Made as a seccomp filter,
 * for bubblewrap to load. Pure.
 */

/** Refused as to anybody without the right to them (EPERM). */
interface Calls {
  keyctl: number;
  add_key: number;
  request_key: number;
  bpf: number;
  perf_event_open: number;
  userfaultfd: number;
  syslog: number;
  /** What goes through its queues no filter sees, sockets among it. */
  io_uring_setup: number;
  /** Makes sockets of a family that stands in memory, where no filter looks. */
  socketcall?: number;
}

/** A way to call the kernel: AUDIT_ARCH of <linux/audit.h>, and numbers of calls from the tables of the kernel. */
interface Abi {
  arch: number;
  refused: Calls;
  ioctl: number;
  socket: number;
  /** Numbers from here on are a second table, which nobody uses (x32). */
  beyond?: number;
}

/** 64 and 32 bits, as the same kernel takes both. */
const ABIS: Readonly<Record<string, readonly Abi[]>> = {
  x64: [
    {
      arch: 0xc000003e,
      refused: {
        ...{ keyctl: 250, add_key: 248, request_key: 249, bpf: 321, perf_event_open: 298, userfaultfd: 323 },
        ...{ syslog: 103, io_uring_setup: 425 },
      },
      ioctl: 16,
      socket: 41,
      beyond: 0x40000000,
    },
    {
      arch: 0x40000003,
      refused: {
        ...{ keyctl: 288, add_key: 286, request_key: 287, bpf: 357, perf_event_open: 336, userfaultfd: 374 },
        ...{ syslog: 103, io_uring_setup: 425, socketcall: 102 },
      },
      ioctl: 54,
      socket: 359,
    },
  ],
  arm64: [
    {
      arch: 0xc00000b7,
      refused: {
        ...{ keyctl: 219, add_key: 217, request_key: 218, bpf: 280, perf_event_open: 241, userfaultfd: 282 },
        ...{ syslog: 116, io_uring_setup: 425 },
      },
      ioctl: 29,
      socket: 198,
    },
    {
      arch: 0x40000028,
      refused: {
        ...{ keyctl: 311, add_key: 309, request_key: 310, bpf: 386, perf_event_open: 364, userfaultfd: 388 },
        ...{ syslog: 103, io_uring_setup: 425, socketcall: 102 },
      },
      ioctl: 54,
      socket: 281,
    },
  ],
};

/** Commands of `ioctl` that put words into the input of a terminal: TIOCSTI, TIOCLINUX. */
const REFUSED_IOCTLS = [0x5412, 0x541c];
/** AF_VSOCK leads from a virtual machine to its host, whatever the network namespace. */
const REFUSED_FAMILIES = [40];

/** One instruction: `struct sock_filter` of <linux/filter.h>. Jumps count the instructions to skip. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/** Loads a word of `struct seccomp_data`, by its offset. */
const load = (offset: number): Instruction => [0x20, 0, 0, offset];
const NUMBER = load(0);
const ARCH = load(4);
/** The lower halves of the first two arguments, all that `socket` and `ioctl` look at. */
const FAMILY = load(16);
const COMMAND = load(24);
const end = (value: number): Instruction => [0x06, 0, 0, value];
const ALLOW = end(0x7fff0000);
/** With errno EPERM. */
const REFUSE = end(0x00050001);
/** Goes on where it is so, else over `skipped` instructions. */
const whenEqual = (value: number, skipped: number): Instruction => [0x15, 0, skipped, value];
const whenAtLeast = (value: number, skipped: number): Instruction => [0x35, 0, skipped, value];

/**
 * The filter as the kernel reads it.
 * @param machine as `process.arch` names it
 * @returns `undefined` for a machine whose calls are not known here
 */
export function toSyscallFilter(machine: string): Uint8Array | undefined {
  const abis = Object.hasOwn(ABIS, machine) ? ABIS[machine] : undefined;
  if (abis === undefined) return undefined;
  const sections = abis.flatMap((abi) => {
    const section = toSection(abi);
    return [whenEqual(abi.arch, section.length), ...section];
  });
  return encode([ARCH, ...sections, REFUSE]);
}

/** Number of `keyctl` for programs of that machine, for whoever tries it. */
export function findKeyctl(machine: string): number | undefined {
  return Object.hasOwn(ABIS, machine) ? ABIS[machine]?.[0]?.refused.keyctl : undefined;
}

/** What is asked of a call by one ABI; it always ends. */
function toSection({ refused, ioctl, socket, beyond }: Abi): Instruction[] {
  const refuseValues = (values: readonly number[]) => values.flatMap((value) => [whenEqual(value, 1), REFUSE]);
  const families = [FAMILY, ...refuseValues(REFUSED_FAMILIES), ALLOW];
  return [
    NUMBER,
    ...(beyond === undefined ? [] : [whenAtLeast(beyond, 1), REFUSE]),
    ...refuseValues(Object.values(refused)),
    ...[whenEqual(socket, families.length), ...families],
    ...[whenEqual(ioctl, REFUSED_IOCTLS.length * 2 + 1), COMMAND, ...refuseValues(REFUSED_IOCTLS)],
    ALLOW,
  ];
}

/** Little-endian, as every machine above is. */
function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(instructions.length * 8));
  for (const [index, [code, ifTrue, ifFalse, value]] of instructions.entries()) {
    bytes.setUint16(index * 8, code, true);
    bytes.setUint8(index * 8 + 2, ifTrue);
    bytes.setUint8(index * 8 + 3, ifFalse);
    bytes.setUint32(index * 8 + 4, value, true);
  }
  return new Uint8Array(bytes.buffer);
}
