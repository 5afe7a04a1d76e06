/** A model that does the task of `examples/issues/remove-item.md`. */
import { type CodingTask, codingScript } from './coding-script.ts';
import type { ScriptFunction } from './model-server.ts';

const FUNCTION = `

export function removeItem(cart, name) {
  const rest = cart.filter((item) => item.name !== name);
  if (rest.length === cart.length) {
    throw new RangeError(\`there is no \${name} in the cart\`);
  }
  return rest;
}
`;

const TEST = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removeItem } from '../src/cart.js';

test('takes the items of a name out, of a new cart', () => {
  const cart = [{ name: 'tea' }, { name: 'set' }];
  assert.deepEqual(removeItem(cart, 'tea'), [{ name: 'set' }]);
  assert.equal(cart.length, 2);
});

test('says the name that is not there', () => {
  assert.throws(() => removeItem([], 'tea'), /tea/);
});
`;

const TOTAL = 'return cart.reduce((sum, item) => sum + item.quantity, 0);\n}\n';

const WORK: CodingTask = {
  files: { 'test/remove-item.test.js': TEST },
  edits: [{ path: 'src/cart.js', old: TOTAL, new: `${TOTAL.trimEnd()}${FUNCTION}` }],
  run: ['node --test'],
};

export const removeItemScript = (): ScriptFunction => codingScript(WORK);
