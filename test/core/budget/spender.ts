/** One step on the books in a process of its own, which may be killed in it: `spender.ts ROOT NOW LIMITS STEP`, all but ROOT as JSON. */
import { openBooks } from '../../../src/core/budget/books.ts';

const [root = '', now = '0', limits = '{}', step = '{}'] = process.argv.slice(2);
const books = openBooks({
  root: `${root}/budget`,
  locks: `${root}/locks`,
  limits: JSON.parse(limits),
  clock: { now: () => new Date(Number(now)) },
});
const { op, request, usd } = JSON.parse(step);
if (op === 'reserve') console.log(JSON.stringify(books.reserve(request)));
else if (op === 'settle') books.settle(request.id, usd ?? undefined);
else books.release(request.id);
