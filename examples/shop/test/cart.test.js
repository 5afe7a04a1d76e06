import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addItem, count, total } from '../src/cart.js';

const cart = addItem(addItem([], { name: 'tea', cents: 450 }), { name: 'cup', cents: 900, quantity: 2 });

test('total adds price times quantity', () => {
  assert.equal(total(cart), 2250);
});

test('count adds quantities', () => {
  assert.equal(count(cart), 3);
});

test('a price is a whole number of cents', () => {
  assert.throws(() => addItem([], { name: 'tea', cents: 4.5 }), RangeError);
});
