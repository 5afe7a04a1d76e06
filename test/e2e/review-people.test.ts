/** People act between the passes, at every stage: nothing they did is undone, and nothing merged is lost. */
import { existsSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { act, forgeAs, mergeByHand, openScripted } from '../support/scripted-agent.ts';
import { REPO, type World } from '../support/world.ts';

describe('people between the passes', () => {
  let world: World;
  beforeEach(() => {
    world = openScripted();
  });
  afterEach(() => world.close());

  const ready = (title = 'Add a file') => world.issue(title, 'Please.');
  const pulls = () => world.json('local', 'pr', 'list', REPO, '--state', 'all');
  const view = (issue: number) => world.json('local', 'issue', 'view', REPO, String(issue));
  /** To `review`, with a check that is red. */
  const toRed = () => {
    act(world, 1, 'touch BAD');
    const issue = ready();
    for (const args of [['dispatch'], ['queue'], ['local', 'ci']]) world.must(...args);
    return issue;
  };

  it('are told that the agent they asked for is not there', () => {
    const issue = world.issue('Add a file', 'Please.', ['ready', 'agent:clade']);
    expect(world.must('dispatch')).toContain('There is no agent `clade`, which a label asks for.');
    const { comments } = view(issue);
    expect(comments.map((one: { body: string }) => one.body)).toEqual([expect.stringMatching(/Queued.*no agent `clade`/)]);
  });

  it('finishes a pull request that a person merged while its fix waited', async () => {
    const issue = toRed();
    world.must('pr-monitor');
    expect(world.task(issue)?.tray).toBe('inbox');
    await mergeByHand(world, 2);
    for (const args of [['dispatch'], ['queue'], ['pr-monitor'], ['dispatch']]) world.must(...args);
    expect(world.task(issue)?.tray).toBe('done');
    expect(view(issue)).toMatchObject({ state: 'closed', labels: [] });
  });

  it('finishes a pull request that a person merged while its fix ran', async () => {
    const issue = toRed();
    world.must('pr-monitor');
    act(world, 2, `touch "${world.dir}/started"; while [ ! -e "${world.dir}/go" ]; do sleep 0.1; done; rm BAD`);
    const queue = world.start(['queue']);
    while (!existsSync(world.path('started'))) await new Promise((resolve) => setTimeout(resolve, 50));
    await mergeByHand(world, 2);
    world.write('go', '');
    expect((await queue.ended).status).toBe(0);
    for (const args of [['dispatch'], ['pr-monitor'], ['dispatch']]) world.must(...args);
    expect(world.task(issue)?.tray).toBe('done');
  });

  it('finishes an escalated pull request that a person merged, whichever loop looks first', async () => {
    const issue = toRed();
    act(world, 2, 'echo more > more.txt');
    for (const args of [['pr-monitor'], ['queue'], ['local', 'ci'], ['pr-monitor']]) world.must(...args);
    expect(world.task(issue)?.tray).toBe('escalated');
    await mergeByHand(world, 2);
    for (const args of [['dispatch'], ['pr-monitor'], ['dispatch']]) world.must(...args);
    expect(world.task(issue)?.tray).toBe('done');
  });

  it('closes the pull request of a fix that is withdrawn while it runs', async () => {
    const issue = toRed();
    world.must('pr-monitor');
    act(world, 2, `touch "${world.dir}/started"; while [ ! -e "${world.dir}/go" ]; do sleep 0.1; done; rm BAD`);
    const queue = world.start(['queue']);
    while (!existsSync(world.path('started'))) await new Promise((resolve) => setTimeout(resolve, 50));
    world.must('local', 'issue', 'edit', REPO, String(issue), '--remove-label', 'ready');
    world.write('go', '');
    await queue.ended;
    expect(world.task(issue)?.tray).toBe('failed');
    expect(pulls()).toMatchObject([{ number: 2, state: 'closed' }]);
  });

  it('withdraws a fix whose pull request a person closed', () => {
    const issue = toRed();
    world.must('pr-monitor');
    world.must('local', 'pr', 'close', REPO, '2');
    world.must('queue');
    expect(world.task(issue)?.tray).toBe('failed');
  });

  it.each([
    ['inbox', 'queue'],
    ['review', 'pr-monitor'],
  ] as const)('ends a task in %s that was cancelled a moment too late for its run', (tray, loop) => {
    const issue = ready();
    world.must('dispatch');
    if (tray === 'review') world.must('queue');
    world.write(`state/requests/demo__shop-${issue}-1.json`, JSON.stringify({ kind: 'cancel', reason: 'cancelled by the operator' }));
    world.must(loop);
    expect(world.task(issue)).toMatchObject({ tray: 'failed', text: expect.stringContaining('cancelled by the operator') });
    if (tray === 'review') expect(pulls()).toMatchObject([{ state: 'closed' }]);
  });

  it.each([
    ['hold', ['--add-label', 'hold']],
    ['edit', ['--body', 'Something else.']],
  ])('publishes nothing after a %s during the run, and keeps the work', async (_, edit) => {
    act(world, 1, `touch "${world.dir}/started"; while [ ! -e "${world.dir}/go" ]; do sleep 0.1; done; echo x > x.txt`);
    const issue = ready();
    world.must('dispatch');
    const queue = world.start(['queue']);
    while (!existsSync(world.path('started'))) await new Promise((resolve) => setTimeout(resolve, 50));
    world.must('local', 'issue', 'edit', REPO, String(issue), ...edit);
    world.write('go', '');
    expect((await queue.ended).status).toBe(0);
    expect(pulls()).toEqual([]);
    expect(await forgeAs(world).findBranch(REPO, `agent/demo__shop-${issue}-1`)).toBeUndefined();
    expect(world.task(issue)?.tray).toBe('inbox');
  });

  it('ends the attempt of work that was cancelled before it was published; a retry runs an agent again', async () => {
    act(world, 1, `touch "${world.dir}/started"; while [ ! -e "${world.dir}/go" ]; do sleep 0.1; done; echo x > x.txt`);
    const issue = ready();
    world.must('dispatch');
    const queue = world.start(['queue']);
    while (!existsSync(world.path('started'))) await new Promise((resolve) => setTimeout(resolve, 50));
    world.must('pause');
    world.write('go', '');
    await queue.ended;
    world.must('resume');
    expect(world.task(issue)).toMatchObject({ tray: 'inbox', text: expect.stringContaining('Waits to be published') });
    const reference = `${REPO}#${issue}`;
    world.must('cancel', reference);
    expect(world.json('show', reference)).toMatchObject({ tray: 'failed', attempts: [{ n: 1, outcome: 'complete' }] });
    expect(world.task(issue)?.text).not.toContain('not_before');
    world.must('fsck');
    world.must('retry', reference);
    act(world, 2, 'echo y > y.txt');
    world.must('queue');
    expect(world.json('show', reference)).toMatchObject({ tray: 'review', attempts: [{ n: 1 }, { n: 2, outcome: 'complete' }] });
  });

  it('closes the pull request of a cancelled task, also one whose number the task file lost', () => {
    const issue = ready();
    for (const args of [['dispatch'], ['queue']]) world.must(...args);
    const { file, text } = world.task(issue) ?? { file: '', text: '' };
    rmSync(world.path(`state/mailbox/review/${file}`));
    world.write(`state/mailbox/escalated/${file}`, text.replace(/^pull_request: .*\n/m, ''));
    expect(world.must('cancel', `${REPO}#${issue}`)).toContain('pull request #2 is closed');
    expect(pulls()).toMatchObject([{ state: 'closed' }]);
    expect(world.task(issue)).toMatchObject({ tray: 'failed', text: expect.stringMatching(/^pull_request: 2$/m) });
  });

  it('does not merge what a newer ready replaces', () => {
    const issue = ready();
    for (const args of [['dispatch'], ['queue'], ['local', 'ci']]) world.must(...args);
    for (const flag of ['--remove-label', '--add-label']) world.must('local', 'issue', 'edit', REPO, String(issue), flag, 'ready');
    world.must('pr-monitor');
    expect(pulls()).toMatchObject([{ state: 'open' }]);
    world.must('dispatch');
    expect(pulls()).toMatchObject([{ state: 'closed' }]);
  });

  it('does not merge for somebody who has lost the permission since', () => {
    world.must('local', 'user', 'add', 'ann', '--permission', 'write');
    const issue = world.issue('Add a file', 'Please.', []);
    world.must('local', 'issue', 'edit', REPO, String(issue), '--add-label', 'ready', '--as', 'ann');
    for (const args of [['dispatch'], ['queue'], ['local', 'ci']]) world.must(...args);
    world.must('local', 'user', 'add', 'ann', '--permission', 'read');
    expect(world.run(['pr-monitor', '-v']).stdout).toContain('hold demo/shop#2');
    expect(pulls()).toMatchObject([{ state: 'open' }]);
  });

  it('asks once about a merge that cannot be verified, and leaves the closed issue closed', async () => {
    world.write('config.yaml', world.read('config.yaml').replace('verify: ["true"]', 'verify: ["test ! -e LATE"]'));
    const issue = ready();
    for (const args of [['dispatch'], ['queue']]) world.must(...args);
    world.git('shop', 'pull', '-q', world.path('forge/demo/shop/repo.git'), 'main');
    world.write('shop/LATE', 'x');
    world.git('shop', 'add', '-A');
    world.git('shop', 'commit', '-q', '-m', 'late');
    world.git('shop', 'push', '-q', world.path('forge/demo/shop/repo.git'), 'main');
    await mergeByHand(world, 2);
    world.must('pr-monitor');
    expect(world.task(issue)).toMatchObject({ tray: 'escalated', text: expect.stringContaining('fails `verify`') });
    expect(view(issue).state).toBe('open');
    expect(world.must('pr-monitor')).toBe('');
    world.must('local', 'issue', 'close', REPO, String(issue));
    for (const args of [['dispatch'], ['pr-monitor'], ['dispatch'], ['pr-monitor']]) world.must(...args);
    expect(view(issue).state).toBe('closed');
    expect(world.task(issue)?.tray).toBe('failed');
  });

  it.each([
    ['our head', false],
    ['a head that a person made', true],
  ])('finishes a squash of %s whose branch a person deleted', async (_, foreign) => {
    const bare = world.path('forge/demo/shop/repo.git');
    const issue = ready();
    const branch = `agent/demo__shop-${issue}-1`;
    for (const args of [['dispatch'], ['queue']]) world.must(...args);
    if (foreign) {
      world.git('.', 'clone', '-q', '-b', branch, bare, 'elsewhere');
      world.write('elsewhere/by-hand.txt', 'x');
      world.git('elsewhere', 'add', '-A');
      world.git('elsewhere', 'commit', '-q', '-m', 'by hand');
      world.git('elsewhere', 'push', '-q', 'origin', branch);
    }
    await mergeByHand(world, 2, 'squash');
    await forgeAs(world).deleteBranch(REPO, branch, (await forgeAs(world).getPullRequest(REPO, 2)).headSha);
    world.must('pr-monitor');
    expect(world.task(issue)?.tray).toBe('done');
  });

  it('does not reopen what a person merged on a moved base where nothing is configured to verify it', async () => {
    world.write(
      'config.yaml',
      world.read('config.yaml').replace('    verify: ["true"]\n', '').replace('automation: full', 'automation: dispatch_only'),
    );
    const bare = world.path('forge/demo/shop/repo.git');
    const issue = ready();
    for (const args of [['dispatch'], ['queue']]) world.must(...args);
    world.write('shop/later.txt', 'x');
    world.git('shop', 'add', '-A');
    world.git('shop', 'commit', '-q', '-m', 'later');
    world.git('shop', 'push', '-q', bare, 'main');
    await mergeByHand(world, 2, 'squash');
    world.must('pr-monitor');
    expect(world.task(issue)?.tray).toBe('done');
    expect(view(issue).state).toBe('closed');
  });

  it('knows its own update of a branch whose record a crash cut off', () => {
    const issues = [ready('One'), ready('Two')];
    for (const args of [['dispatch'], ['queue'], ['local', 'ci'], ['pr-monitor']]) world.must(...args);
    expect(world.run(['pr-monitor'], { AGENTOS_CRASH: 'effect:update-branch:after-act:1' }).signal).toBe('SIGKILL');
    for (const args of [['local', 'ci'], ['pr-monitor'], ['pr-monitor']]) world.must(...args);
    expect(issues.map((issue) => world.task(issue)?.tray)).toEqual(['done', 'done']);
    expect(world.run(['fsck']).stdout).not.toContain('nobody knows');
  });

  it('does not take a merge of something else for its own update of the branch', async () => {
    const bare = world.path('forge/demo/shop/repo.git');
    const [first, second] = [ready('One'), ready('Two')];
    for (const args of [['dispatch'], ['queue'], ['local', 'ci'], ['pr-monitor']]) world.must(...args);
    const open = world.task(first)?.tray === 'done' ? second : first;
    const [pull] = world.json('local', 'pr', 'list', REPO);
    expect(world.run(['pr-monitor'], { AGENTOS_CRASH: 'effect:update-branch:after-intent:1' }).signal).toBe('SIGKILL');
    // A person brings main and something of their own onto the branch, in one merge.
    world.git('.', 'clone', '-q', bare, 'elsewhere');
    world.write('elsewhere/foreign.txt', 'x');
    world.git('elsewhere', 'add', '-A');
    world.git('elsewhere', 'commit', '-q', '-m', 'foreign');
    world.git('elsewhere', 'branch', '-q', 'foreign');
    world.git('elsewhere', 'checkout', '-q', pull.head);
    world.git('elsewhere', 'merge', '-q', '--no-ff', '-m', 'merge', 'foreign');
    world.git('elsewhere', 'push', '-q', 'origin', pull.head);
    for (const args of [['local', 'ci'], ['pr-monitor'], ['local', 'ci'], ['pr-monitor']]) world.run(args);
    expect(world.task(open)?.tray).toBe('review');
    expect(world.run(['pr-monitor', '-v']).stdout).toContain('somebody else pushed');
  });

  it('pushes a fix onto a head that it had updated itself', () => {
    const [first, second] = [ready('One'), ready('Two')];
    for (const args of [['dispatch'], ['queue'], ['local', 'ci'], ['pr-monitor'], ['pr-monitor']]) world.must(...args);
    const [done, behind] = world.task(first)?.tray === 'done' ? [first, second] : [second, first];
    expect(world.task(done)?.tray).toBe('done');
    // The updated head is red: the check looks at what the base brought.
    world.write('config.yaml', world.read('config.yaml').replace('local_ci: ["sh lint.sh"]', 'local_ci: ["false"]'));
    world.must('local', 'ci');
    world.must('pr-monitor');
    if (world.task(behind)?.tray === 'review') throw new Error(world.run(['pr-monitor', '-v']).stdout);
    expect(world.task(behind)?.tray).toBe('inbox');
    world.must('queue');
    expect(world.task(behind)?.tray).toBe('review');
  });

  it('retries onto a branch that an unrecorded push of its own left', async () => {
    const issue = ready();
    world.must('dispatch');
    // The forge refuses the pull request for good after the push went through.
    const file = 'forge/demo/shop/repo.git';
    world.run(['queue'], { AGENTOS_CRASH: 'git:after-push:1' });
    const pushed = await forgeAs(world).findBranch(REPO, `agent/demo__shop-${issue}-1`);
    expect(pushed).toBeDefined();
    // The evidence is lost, so the work is done anew.
    world.write(`state/runs/demo__shop-${issue}-1/1/evidence.json`, '{');
    for (let k = 0; k < 4 && world.task(issue)?.tray !== 'review'; k++) world.run(['queue']);
    expect(world.task(issue)?.tray).toBe('review');
    expect(world.git(file, 'rev-parse', `agent/demo__shop-${issue}-1`).trim()).not.toBe(pushed);
  });
});
