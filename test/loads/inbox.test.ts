import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { guardLimits } from '../../src/loads/guards.ts';
import { moveAside } from '../../src/loads/inbox/aside.ts';
import { Inbox, type InboxEvent, type InboxOptions } from '../../src/loads/inbox/inbox.ts';
import { isTemporaryName } from '../../src/loads/temporary-names.ts';
import { claimInbox } from '../../src/storage/inbox-claim.ts';
import { NUMBERS, observation, patient } from './rows.ts';
import { type ExtractSpec, type Loader, loader, writeExtract } from './world.ts';

const [ADA] = NUMBERS;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 1440 * MINUTE;

const night = (sequence: number, rows = 20, more: Partial<ExtractSpec> = {}): ExtractSpec => ({
  source: 'gp',
  sequence,
  files: {
    Patient: [patient('p1', ADA)],
    Observation: Array.from({ length: rows }, (_, n) => observation(`o${n}`, 'p1', n)),
  },
  ...more,
});

interface Desk {
  readonly world: Loader;
  readonly folder: string;
  readonly events: InboxEvent[];
  readonly inbox: Inbox;
  /** another process over the same folders */
  another(changes?: Partial<InboxOptions>): Inbox;
  /** time passes, and the inbox is looked at */
  later(milliseconds: number): Promise<void>;
  deliver(spec: ExtractSpec, name: string): string;
  /** names in the source's folder, or in one below it */
  names(below?: string): readonly string[];
  states(): Promise<readonly unknown[]>;
}

async function desk(t: Test): Promise<Desk> {
  const world = await loader(t);
  const root = join(world.root, 'inbox');
  const folder = join(root, 'gp');
  mkdirSync(folder, { recursive: true });
  const events: InboxEvent[] = [];
  let now = Date.now();
  const another = (changes: Partial<InboxOptions> = {}): Inbox =>
    new Inbox({
      root,
      sources: ['gp'],
      quiet: 60 * SECOND,
      patience: 60 * MINUTE,
      keep: 14 * DAY,
      load: (source, from) =>
        world.loadFolder(from, source, { guards: guardLimits({ least: 10, shrink: { type: 50 } }) }),
      claim: () => claimInbox(world.database, 1),
      say: (event) => void events.push(event),
      now: () => now,
      ...changes,
    });
  const inbox = another();
  return {
    world,
    folder,
    events,
    inbox,
    another,
    later: async (milliseconds) => {
      now += milliseconds;
      await inbox.round();
    },
    deliver: (spec, name) => {
      const to = join(folder, name);
      renameSync(writeExtract(world.root, spec), to);
      return to;
    },
    names: (below = '.') => (existsSync(join(folder, below)) ? readdirSync(join(folder, below)).sort() : []),
    states: async () =>
      (await world.rows('select state from record.load order by load_no')).map((row) => row['state']),
  };
}

t.test('an extract is loaded once it is whole and at rest, and never before', async (t) => {
  const { folder, deliver, later, names, states, events } = await desk(t);
  const source = deliver(night(1), '.2026-11-22');
  const to = join(folder, '2026-11-22');
  const send = (name: string): void => cpSync(join(source, name), join(to, name));
  mkdirSync(to);
  await later(0);
  send('manifest.json');
  writeFileSync(join(to, 'Patient.ndjson.filepart'), '{');
  await later(2 * MINUTE);
  send('Patient.ndjson');
  await later(2 * MINUTE);
  await later(2 * MINUTE);
  t.same(await states(), [], 'a file is missing');
  send('Observation.ndjson');
  truncateSync(join(to, 'Observation.ndjson'), 100);
  await later(2 * MINUTE);
  await later(10 * MINUTE);
  t.same(
    await states(),
    [],
    'all names are there, but one file is half: an upload that stalls is waited for',
  );
  send('Observation.ndjson');
  await later(59 * SECOND);
  await later(59 * SECOND);
  t.same(await states(), [], 'it is not at rest yet');
  appendFileSync(join(to, '.nfs0001'), 'x');
  await later(1 * SECOND);
  t.same(await states(), ['published'], 'dot files and temporary names are passed over');
  t.same(names(), ['.2026-11-22', 'done'], 'what has such a name itself is no extract');
  t.same(names('done'), ['2026-11-22', '2026-11-22.json']);
  const certificate = JSON.parse(readFileSync(join(folder, 'done', '2026-11-22.json'), 'utf8'));
  t.match(certificate, { source: 'gp', result: 'published', sequence: 1 });
  t.match(events, [{ what: 'loaded', aside: 'done', result: 'published', extract: '2026-11-22' }]);
  await later(DAY);
  t.same(await states(), ['published'], 'a day later it is not loaded again');
});

t.test('what is never completed is refused after its time, with a certificate that says why', async (t) => {
  const { deliver, later, names, states, folder } = await desk(t);
  const cut = deliver(night(1), 'cut');
  truncateSync(join(cut, 'Patient.ndjson'), 10);
  mkdirSync(join(folder, 'empty'));
  await later(0);
  await later(59 * MINUTE);
  t.same(await states(), []);
  await later(MINUTE);
  t.same(names('refused'), ['cut', 'cut.json', 'empty', 'empty.json']);
  const reason = (name: string): string =>
    JSON.parse(readFileSync(join(folder, 'refused', name), 'utf8')).reason.rule;
  t.equal(reason('cut.json'), 'file-changed');
  t.equal(reason('empty.json'), 'file-missing');
});

t.test('held, refused and repeated extracts go where they belong', async (t) => {
  const { deliver, later, names, states, folder } = await desk(t);
  deliver(night(1), 'a');
  await later(0);
  await later(MINUTE);
  deliver(night(2, 2), 'b');
  await later(0);
  await later(MINUTE);
  t.same(await states(), ['published', 'held']);
  t.same(names('held'), ['b', 'b.json']);
  deliver(night(3, 20, { source: 'gp', manifest: (m) => ({ ...m, source: 'acute' }) }), 'c');
  cpSync(join(folder, 'done', 'a'), join(folder, 'a'), { recursive: true });
  await later(0);
  await later(MINUTE);
  t.same(names('refused'), ['c', 'c.json']);
  t.same(names('done'), ['a', 'a.2', 'a.2.json', 'a.json'], 'the same extract again is a no-op');
  t.match(JSON.parse(readFileSync(join(folder, 'done', 'a.2.json'), 'utf8')), {
    result: 'duplicate',
    sameAs: 1,
  });
  await later(15 * DAY);
  deliver(night(4), 'd');
  await later(0);
  await later(MINUTE);
  t.same(
    [...names('done'), ...names('held'), ...names('refused')],
    ['d', 'd.json'],
    'kept for fourteen days',
  );
});

t.test(
  'a backlog is loaded by sequence, whatever the names, and waits for what is still arriving',
  async (t) => {
    const { deliver, later, world, folder, states } = await desk(t);
    const first = deliver(night(1), 'z');
    const part = join(first, 'Observation.ndjson');
    renameSync(part, `${part}.part`);
    deliver(night(2, 21), 'm');
    deliver(night(3, 22), 'a');
    await later(0);
    await later(2 * MINUTE);
    t.same(await states(), [], 'the first is not whole');
    renameSync(`${part}.part`, part);
    await later(0);
    await later(MINUTE);
    t.same(
      (await world.rows('select sequence::int, state from record.load order by load_no')).map((row) =>
        Object.values(row),
      ),
      [
        [1, 'published'],
        [2, 'published'],
        [3, 'published'],
      ],
    );
    t.same(readdirSync(join(folder, 'done')).length, 6);

    const delta = { kind: 'delta' as const, files: { Observation: [observation('o99', 'p1', 3)] } };
    deliver(night(5, 0, delta), 'five');
    await later(0);
    await later(MINUTE);
    t.ok(existsSync(join(folder, 'five')), 'a delta before its turn stays');
    deliver(night(4, 0, { kind: 'delta', files: { Observation: [observation('o98', 'p1', 3)] } }), 'four');
    await later(0);
    await later(MINUTE);
    await later(MINUTE);
    t.notOk(existsSync(join(folder, 'five')), 'and has it once what lies between is published');
    t.equal((await states()).filter((state) => state === 'published').length, 5);
  },
);

t.test('a crash at any step of it is repaired by the next round', async (t) => {
  const { deliver, later, another, names, states, folder, world } = await desk(t);
  deliver(night(1), 'a');
  const crash = another({
    quiet: 0,
    load: async (source, from) => {
      await world.loadFolder(from, source);
      throw new Error('the process is killed after publication');
    },
  });
  await crash.round();
  t.same(await states(), ['published']);
  t.same(names(), ['a'], 'published, and not moved');
  await later(0);
  await later(MINUTE);
  t.same(await states(), ['published', 'duplicate']);
  t.same(names('done'), ['a', 'a.json']);

  deliver(night(2, 21), 'b');
  writeFileSync(join(folder, 'done', 'b.json'), '{}');
  await later(0);
  await later(MINUTE);
  t.same(names('done'), ['a', 'a.json', 'b.2', 'b.2.json', 'b.json'], 'a certificate is not written over');
});

t.test('of two processes one loads', async (t) => {
  const { deliver, another, states, events } = await desk(t);
  deliver(night(1), 'a');
  const processes = [another({ quiet: 0 }), another({ quiet: 0 }), another({ quiet: 0 })];
  await Promise.all(processes.map((inbox) => inbox.round()));
  t.same(await states(), ['published']);
  t.equal(events.filter(({ what }) => what === 'loaded').length, 1);
  t.same(
    events.filter(({ what }) => what !== 'loaded'),
    [],
  );
});

t.test('an error of ours leaves the extract, and it is tried again later and later', async (t) => {
  const { deliver, another, events, names } = await desk(t);
  let now = Date.now();
  let tries = 0;
  const inbox = another({
    quiet: 0,
    now: () => now,
    load: async () => {
      tries += 1;
      throw new Error('no database');
    },
  });
  deliver(night(1), 'a');
  deliver(night(2), 'b');
  for (let minute = 0; minute < 60; minute += 1) {
    await inbox.round();
    now += MINUTE;
  }
  t.equal(tries, 6, 'after 1, 2, 4, 8, 16 minutes; the next one waits for its turn');
  t.same(names(), ['a', 'b']);
  t.ok(events.every(({ what, extract }) => what === 'failed' && extract === 'a'));
});

t.test('links lead nowhere', async (t) => {
  const { deliver, later, names, states, folder, world, events } = await desk(t);
  const elsewhere = join(world.root, 'elsewhere');
  renameSync(deliver(night(1), 'x'), elsewhere);
  symlinkSync(elsewhere, join(folder, 'link'));
  await later(0);
  await later(2 * MINUTE);
  t.same(await states(), []);
  t.same(names('refused'), ['link', 'link.json']);
  t.ok(existsSync(join(elsewhere, 'manifest.json')), 'the link was moved, not what it leads to');
  t.match(events, [{ what: 'link-refused' }]);

  rmSync(join(folder, 'refused'), { recursive: true });
  symlinkSync(elsewhere, join(folder, 'refused'));
  mkdirSync(join(folder, 'y'));
  await t.rejects(moveAside(folder, 'y', 'refused', {}, 0), /is a link or a file/);
  t.same(readdirSync(elsewhere).length, 3);

  const inside = deliver(night(1), 'inside');
  rmSync(join(inside, 'Observation.ndjson'));
  symlinkSync(join(elsewhere, 'Observation.ndjson'), join(inside, 'Observation.ndjson'));
  rmSync(join(folder, 'refused'));
  await later(0);
  await later(61 * MINUTE);
  t.match(JSON.parse(readFileSync(join(folder, 'refused', 'inside.json'), 'utf8')), {
    reason: { rule: 'file-kind' },
  });
});

t.test('names under which files are written are known', async (t) => {
  for (const name of ['.x', '~x', 'x~', 'x.part', 'x.filepart', 'x.TMP', 'Patient.ndjson.partial']) {
    t.ok(isTemporaryName(name), name);
  }
  for (const name of ['x', 'Patient.ndjson', 'part', 'x.gz', '2026-11-22'])
    t.notOk(isTemporaryName(name), name);
});
