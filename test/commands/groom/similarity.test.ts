import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findDuplicates, similarity, type Text } from '../../../src/commands/groom/similarity.ts';

const TEMPLATE = '## Steps to reproduce\n\n## Expected behaviour\n\n## Environment\n';
const issue = (number: number, title: string, body = ''): Text => ({ number, title, body });

/** A backlog of different things, so that words have weights. */
const BACKLOG = [
  issue(101, 'Add dark mode to the settings page', 'Users ask for a dark theme that follows the system.'),
  issue(102, 'Export orders as CSV', 'Accounting needs a CSV of all orders of a month.'),
  issue(103, 'Login fails with expired session cookie', 'After a day the session cookie expires and login shows a blank page.'),
  issue(104, 'Speed up the search index', 'Indexing takes ten minutes; profile it.'),
];

const found = (...issues: Text[]) =>
  [...findDuplicates([...BACKLOG, ...issues])].map(([number, candidates]) => [number, candidates.map((candidate) => candidate.number)]);

describe('duplicates', () => {
  it.each<[string, Text, Text]>([
    [
      'the same bug told twice',
      issue(1, 'Cart total ignores tax', 'The cart total on the checkout page does not include the tax. Expected: total with tax.'),
      issue(201, 'Cart total is ignoring tax', 'On the checkout page the total of the cart does not include tax.'),
    ],
    [
      'the same with a prefix and a filled-in template',
      issue(1, 'Upload of large files crashes the worker', `${TEMPLATE}\nUpload a file above 2 GB, the worker crashes with ENOMEM.`),
      issue(
        201,
        '[Bug] upload of large files crashes worker',
        `${TEMPLATE}\nWhen I upload a file above 2 GB the worker crashes with ENOMEM`,
      ),
    ],
  ])('are found: %s', (_, older, newer) => {
    expect(found(older, newer)).toEqual([[201, [1]]]);
  });

  it.each<[string, Text, Text]>([
    [
      'different things',
      issue(1, 'Cart total ignores tax', 'Tax is missing.'),
      issue(201, 'Cart page loads slowly', 'It takes five seconds.'),
    ],
    [
      'siblings of a series: one word exchanged',
      issue(1, 'Migrate the orders page to the new router', 'Use the new router, keep the tests green.'),
      issue(201, 'Migrate the customers page to the new router', 'Use the new router, keep the tests green.'),
    ],
    [
      'siblings of a series: another number',
      issue(1, 'Upgrade to Node 20', 'Change the engines field and the workflow, then run the suite.'),
      issue(201, 'Upgrade the project to Node 22', 'Change the engines field and the workflow, then run the suite.'),
    ],
    ['only the headings of a template', issue(1, 'Something is wrong here', TEMPLATE), issue(201, 'Other trouble with printing', TEMPLATE)],
    [
      'the same title about something else',
      issue(1, 'Search is broken', 'No result for umlauts in names of streets.'),
      issue(201, 'Search is broken', 'The button overlaps the logo on phones.'),
    ],
    ['too little to compare', issue(1, 'Bug'), issue(201, 'Bug')],
    [
      'one that names the other',
      issue(1, 'Cart total ignores tax', 'The cart total does not include the tax.'),
      issue(201, 'Cart total ignores tax', 'The cart total does not include the tax, see #1.'),
    ],
    [
      'the same log',
      issue(1, 'Deploy stops half way', `\`\`\`\n${'step ok\n'.repeat(40)}\`\`\``),
      issue(201, 'Printer stops at night', `\`\`\`\n${'step ok\n'.repeat(40)}\`\`\``),
    ],
  ])('are not seen in %s', (_, older, newer) => {
    expect(found(older, newer)).toEqual([]);
  });

  it('name older issues only, best first, at most three', () => {
    const same = [5, 4, 3, 2, 1].map((number) => issue(number, 'Cart total ignores tax', 'The cart total does not include the tax.'));
    expect(found(...same)).toEqual([
      [5, [1, 2, 3]],
      [4, [1, 2, 3]],
      [3, [1, 2]],
      [2, [1]],
    ]);
  });

  it('compare a thousand issues within seconds', () => {
    const many = Array.from({ length: 1000 }, (_, n) =>
      issue(n + 1, `Task about ${n % 7} things of kind ${n}`, `Body ${n} with some words of its own ${n * 7}`),
    );
    const start = performance.now();
    findDuplicates(many);
    expect(performance.now() - start).toBeLessThan(15_000);
  });
});

describe('similarity', () => {
  const word = fc.constantFrom('cart', 'total', 'tax', 'login', 'page', 'slow', 'v2', 'the', '#3', '## Steps\n', '`code`');
  const sentence = fc.array(word, { maxLength: 8 }).map((words) => words.join(' '));
  const text = fc.record({
    number: fc.integer({ min: 1, max: 99 }),
    title: fc.oneof(sentence, fc.string()),
    body: fc.oneof(sentence, fc.string()),
  });

  it('is symmetric and within 0..1', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const among = [...BACKLOG, a, b];
        const score = similarity(a, b, among);
        return score >= 0 && score <= 1 + 1e-12 && Math.abs(score - similarity(b, a, among)) < 1e-12;
      }),
    );
  });

  it('of an issue with words to itself is 1', () => {
    for (const one of BACKLOG) expect(similarity(one, { ...one, number: 999 }, BACKLOG)).toBeCloseTo(1);
  });
});
