/** Cuts a program's output into lines and reads those that are JSON objects. Bounded: what is too long is no event. */
import { StringDecoder } from 'node:string_decoder';

const MOST_CHARACTERS = 4_000_000;

export interface EventLines {
  push(chunk: Buffer): void;
  end(): void;
}

export function openEventLines(see: (event: Readonly<Record<string, unknown>>) => void): EventLines {
  const decoder = new StringDecoder('utf8');
  let held = '';
  let lost = false;
  const line = (text: string) => {
    const event = lost ? undefined : readEvent(text);
    lost = false;
    if (event) see(event);
  };
  return {
    push(chunk) {
      held += decoder.write(chunk);
      const lines = held.split('\n');
      held = lines.pop() ?? '';
      for (const one of lines) line(one);
      if (held.length > MOST_CHARACTERS) {
        held = '';
        lost = true;
      }
    },
    end() {
      line(held);
      held = '';
    },
  };
}

function readEvent(text: string): Readonly<Record<string, unknown>> | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{')) return undefined;
  try {
    return JSON.parse(trimmed) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
