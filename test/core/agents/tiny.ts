/** A small agent with a command line: `tiny --model M --base-url URL`, which prints `{"done": true}` at its end. */
import type { ListedCliKind } from '../../../src/core/agents/cli/cli-kind.ts';

export const tiny: ListedCliKind = {
  kind: 'tiny',
  about: 'Tiny, for the documentation.',
  keyEnv: 'TINY_API_KEY',
  program: 'tiny',
  protocol: 'openai',
  baseUrl: 'https://api.tiny.example/v1',
  toInvocation: ({ model, url, pass }) => ({
    args: ['--model', model, '--base-url', url],
    env: { TINY_KEY: pass },
    files: { '.tiny/settings.json': '{"telemetry": false}\n' },
    stdin: true,
  }),
  readEvent: (report, event) => (event['done'] === true ? { ...report, finished: true } : report),
};
