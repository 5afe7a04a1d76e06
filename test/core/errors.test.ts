import { describe, expect, it } from 'vitest';
import { AgentOsError, asStorageError, exitStatus } from '../../src/core/errors.ts';

const failedCall = (code: string) => Object.assign(new Error(`${code}: no space left on device, write`), { code });

describe('an error that no module wrapped', () => {
  it.each(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE'])('%s is the machine refusing, not a bug of ours', (code) => {
    expect(exitStatus(failedCall(code))).toBe(74);
    expect(asStorageError(failedCall(code))).toMatchObject({ code: 'io', message: expect.stringContaining(code) });
  });

  it.each([failedCall('ENOENT'), failedCall('ERR_INVALID_ARG_TYPE'), new TypeError('x is not a function'), 'a string', undefined])(
    '%s is a bug of ours',
    (error) => {
      expect(exitStatus(error)).toBe(70);
      expect(asStorageError(error)).toBe(error);
    },
  );
});

it.each([
  ['locked', 75],
  ['unknown_outcome', 75],
  ['auth', 77],
  ['config', 78],
  ['refused', 1],
] as const)('`%s` ends a program with %i', (code, status) => {
  expect(exitStatus(new AgentOsError(code, 'x'))).toBe(status);
});
