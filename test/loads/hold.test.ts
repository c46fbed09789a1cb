import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Certificate } from '../../src/loads/certificate.ts';
import { guardKey, guardLimits } from '../../src/loads/guards.ts';
import { heldFolder } from '../../src/loads/hold.ts';
import { NUMBERS, observation, optOut, patient, type Row } from './rows.ts';
import { visible } from './visible.ts';
import { type ExtractSpec, type Loader, loader, writeExtract } from './world.ts';

const [ADA, BEN] = NUMBERS;
const GUARDS = guardLimits({ least: 10, rejected: { total: 30, type: 50 } });
/** no numbers are large enough to be judged */
const UNGUARDED = guardLimits();

function night(
  sequence: number,
  observations: number,
  more: Record<string, readonly Row[]> = {},
): ExtractSpec {
  const people = [patient('p1', ADA), patient('p2', BEN)];
  const rows = Array.from({ length: observations }, (_, n) =>
    observation(`o${n}`, n % 2 === 0 ? 'p1' : 'p2', n),
  );
  return { source: 'gp', sequence, files: { Patient: people, Observation: rows, Consent: [], ...more } };
}

const exceeded = ({ guards }: Certificate): readonly string[] =>
  guards.filter((finding) => finding.outcome === 'exceeded').map(guardKey);

const states = async ({ rows }: Loader): Promise<readonly unknown[]> =>
  (await rows('select state from record.load order by load_no')).map((row) => row['state']);

/** What readers see, but for the loads' own numbers: those of loads that came to nothing are taken too. */
const seen = async (world: Loader): Promise<readonly string[]> =>
  (await visible(world)).map((line) => line.replace(/^(published): \d+/, '$1:'));

t.test('an extract that loses too much is held, and what it restricts stays', async (t) => {
  const world = await loader(t);
  const first = await world.load(night(1, 20), { guards: GUARDS });
  t.equal(first.result, 'published', 'the first load has nothing to be compared with');
  const before = await seen(world);

  const folder = writeExtract(
    world.root,
    night(2, 5, { Consent: [optOut('c1', 'p1', 'deny', '2026-11-20')] }),
  );
  const held = await world.loadFolder(folder, 'gp', { guards: GUARDS });
  t.match(held, { result: 'held', reason: { rule: 'guard' }, loadNumber: 2 });
  t.same(exceeded(held), ['shrink total', 'shrink type Observation']);
  t.equal(held.publication, undefined);
  t.match(
    held.reason?.sentence,
    /Stored of type Observation: 5 instead of 20, 75 % fewer; the limit is 30 %/,
  );
  const after = await seen(world);
  t.same(
    after
      .filter((line) => !before.includes(line) && !line.startsWith('person:'))
      .map((line) => line.slice(0, 8)),
    ['opt-out:'],
    'an opt-out in the extract that is held has taken effect, and nothing else is to be seen',
  );
  t.same(
    before.filter((line) => !after.includes(line) && !line.startsWith('person:')),
    [],
  );
  t.same(await world.rows('select * from record.load_change'), []);
  t.match(world.events.at(-1), {
    result: 'held',
    details: { guards: 'shrink total, shrink type Observation' },
  });

  await t.test('it is kept, and can be loaded again by releasing it alone', async (t) => {
    const kept = heldFolder(join(world.root, 'held'), 2);
    t.same(readFileSync(join(kept, 'manifest.json')), readFileSync(join(folder, 'manifest.json')));
    const again = await world.loadFolder(kept, 'gp', { guards: GUARDS });
    t.equal(again.result, 'held', 'the same extract, released by nobody, is held again');
    t.same(await states(world), ['published', 'superseded', 'held']);
    const late = await world.loadFolder(kept, 'gp', { guards: GUARDS, releases: 2 });
    t.match(
      late,
      { result: 'refused', reason: { rule: 'not-held' } },
      'one that is superseded is not released',
    );
    const other = await world.load(night(3, 4), { guards: GUARDS, releases: 3 });
    t.match(
      other,
      { result: 'refused', reason: { rule: 'not-held' } },
      'another extract is not what was released',
    );
    const released = await world.loadFolder(kept, 'gp', { guards: GUARDS, releases: 3 });
    t.match(released, { result: 'published', releases: 3 });
    t.same(
      released.guards.filter((finding) => finding.outcome !== 'within').map((finding) => finding.outcome),
      ['released', 'released'],
    );
    t.same(await states(world), ['published', 'superseded', 'released', 'published']);
    t.match(world.events.at(-1), { result: 'published', details: { releases: '3' } });
  });

  await t.test('and the record is then as if nothing had held it', async (t) => {
    const plain = await loader(t);
    await plain.load(night(1, 20), { guards: UNGUARDED });
    await plain.loadFolder(folder, 'gp', { guards: UNGUARDED });
    const epochs = /^(person: \d+) \d+/;
    const without = (lines: readonly string[]): readonly string[] =>
      lines.map((line) => line.replace(epochs, '$1').replace(/^published: .*/, 'published'));
    t.same(without(await seen(world)), without(await seen(plain)));
  });
});

t.test('bytes that were changed while the extract was held are not published', async (t) => {
  const world = await loader(t);
  await world.load(night(1, 20), { guards: GUARDS });
  const held = await world.load(night(2, 5), { guards: GUARDS });
  t.equal(held.result, 'held');
  const kept = heldFolder(join(world.root, 'held'), 2);
  writeFileSync(join(kept, 'Observation.ndjson'), `${JSON.stringify(observation('o1', 'p1', 99))}\n`);
  const tampered = await world.loadFolder(kept, 'gp', { guards: GUARDS, releases: 2 });
  t.match(tampered, { result: 'refused', reason: { rule: 'file-changed' } });
  t.same(await states(world), ['published', 'held', 'refused'], 'it waits on for a decision');
  const manifest = JSON.parse(readFileSync(join(kept, 'manifest.json'), 'utf8'));
  writeFileSync(join(kept, 'manifest.json'), JSON.stringify(manifest, undefined, 1));
  const rewritten = await world.loadFolder(kept, 'gp', { guards: GUARDS, releases: 2 });
  t.match(rewritten, { result: 'refused', reason: { rule: 'not-held' } });
});

t.test('a later extract supersedes a held one, and a release lets nothing else pass', async (t) => {
  const world = await loader(t);
  await world.load(night(1, 20), { guards: GUARDS });
  await world.load(night(2, 5), { guards: GUARDS });
  const folder = heldFolder(join(world.root, 'held'), 2);
  // what the limits were when it was released says nothing about guards that held nothing then
  const stricter = guardLimits({
    least: 2,
    shrink: { total: 10, type: 30, practice: 0 },
    rejected: { total: 0 },
  });
  const strict = await world.loadFolder(folder, 'gp', { guards: stricter, releases: 2 });
  t.equal(strict.result, 'published', 'within the other limits it passes');
  const next = await world.load(night(3, 1), { guards: stricter });
  t.equal(next.result, 'held');
  const good = await world.load(night(4, 5), { guards: GUARDS });
  t.equal(good.result, 'published');
  t.same(await states(world), ['published', 'released', 'published', 'superseded', 'published']);
});

t.test('too many rejected rows hold a first load too, and growth a later one', async (t) => {
  const world = await loader(t);
  const faulty = Array.from({ length: 8 }, (_, n) => observation(`x${n}`, 'p1', n, { status: 'banana' }));
  const rows = [...Array.from({ length: 4 }, (_, n) => observation(`o${n}`, 'p1', n)), ...faulty];
  const held = await world.load(night(1, 0, { Observation: rows }), { guards: GUARDS });
  t.same([held.result, exceeded(held)], ['held', ['rejected total', 'rejected type Observation']]);
  t.same(
    await seen(world),
    (await seen(world)).filter((line) => line.startsWith('person:')),
    'nothing is seen of it',
  );
  t.equal(
    (await world.load(night(1, 20), { guards: GUARDS })).result,
    'published',
    'corrected, with its sequence',
  );
  const grown = await world.load(night(2, 200), { guards: GUARDS });
  t.same([grown.result, exceeded(grown)], ['held', ['growth total', 'growth type Observation']]);
  t.ok(existsSync(heldFolder(join(world.root, 'held'), Number(grown.loadNumber))));
});

t.test('a practice that is gone holds the load, named where the configuration knows it', async (t) => {
  const world = await loader(t);
  const at = (code: string, number: string, id: string): Row =>
    patient(id, number, { managingOrganization: { identifier: { value: code } } });
  const people = (k1: readonly string[], other: readonly string[]): readonly Row[] => [
    ...k1.map((number, n) => at('K1', number, `k${n}`)),
    ...other.map((number, n) => at('9990000018', number, `u${n}`)),
  ];
  const guards = guardLimits({ least: 2, shrink: { total: 100, type: 100, practice: 40 } });
  const load = (sequence: number, k1: readonly string[], other: readonly string[]): Promise<Certificate> =>
    world.load({ source: 'gp', sequence, files: { Patient: people(k1, other) } }, { guards });
  const [a, b, c, d] = NUMBERS;
  t.equal((await load(1, [a, b], [c, d])).result, 'published');
  const held = await load(2, [a], []);
  t.same([held.result, exceeded(held)], ['held', ['shrink practice K1']]);
  t.notMatch(JSON.stringify(held), '9990000018', 'what stands where a code should be is not repeated');
});

t.test('a row that was rejected before is known when it is sent again', async (t) => {
  const world = await loader(t);
  const faulty = observation('x1', 'p1', 1, { status: 'banana' });
  const unknown = observation('x2', 'p9', 1);
  const first = await world.load(night(1, 0, { Observation: [faulty, unknown] }));
  t.equal(first.rejectedBefore, 0);
  const other = observation('x3', 'p1', 1, { status: 'banana' });
  const second = await world.load(night(2, 0, { Observation: [other, faulty, unknown] }));
  t.equal(second.rejectedBefore, 2, 'on another line too');
  t.same(
    await world.rows('select line, rejected_before from record.reject where load_no = 2 order by line'),
    [
      { line: '1', rejected_before: false },
      { line: '2', rejected_before: true },
      { line: '3', rejected_before: true },
    ],
  );
  const consent = optOut('c1', 'p9', 'deny', '2026-11-01');
  await world.load(night(3, 0, { Observation: [], Consent: [consent] }));
  const fourth = await world.load(night(4, 0, { Observation: [], Consent: [consent] }));
  t.equal(fourth.rejectedBefore, 1);
});
