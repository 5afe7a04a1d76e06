export function addItem(cart, item) {
  if (!Number.isInteger(item.cents) || item.cents < 0) {
    throw new RangeError(`price of ${item.name} must be a whole number of cents`);
  }
  return [...cart, { quantity: 1, ...item }];
}

export function total(cart) {
  return cart.reduce((sum, item) => sum + item.cents * item.quantity, 0);
}

export function count(cart) {
  return cart.reduce((sum, item) => sum + item.quantity, 0);
}
