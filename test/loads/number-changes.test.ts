import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { NumberChange } from '../../src/identity/number-changes.ts';
import { readKeptApart, readNumberChanges, readUnmerges } from '../../src/loads/number-changes.ts';
import { endNumberChanges, storeKeptApart, storeNumberChanges } from '../../src/storage/number-changes.ts';
import { agreement, episode, NUMBERS, optOut, patient } from './rows.ts';
import { type Loader, loader, TODAY } from './world.ts';

const [ADA, BEN, CLEO, DAN] = NUMBERS;

function superseded(oldNumber: string, newNumber: string, changedOn = '2026-11-01'): NumberChange {
  return { oldNumber, newNumber, kind: 'superseded', changedOn };
}

/** Numbers that are linked: each with the one in force. */
async function links(world: Loader): Promise<Record<string, unknown>> {
  const rows = await world.rows(
    `select n.nhs_number as number, c.nhs_number as current from record.person_link l
     join record.person_number n using (person_id) join record.person_number c on c.person_id = l.cluster_id
     where l.valid_to = 'infinity' order by 1`,
  );
  return Object.fromEntries(rows.map(({ number, current }) => [number, current]));
}

async function epochs(world: Loader, ...numbers: string[]): Promise<readonly number[]> {
  const rows = await world.rows(
    `select epoch::int from record.person join record.person_number using (person_id)
     where nhs_number = any($1) order by nhs_number`,
    [numbers],
  );
  return rows.map(({ epoch }) => Number(epoch));
}

/** Somebody else. */
const EVE = patient('x', CLEO, { name: [{ use: 'official', family: 'Other', given: ['Eve'] }] });

/** Ada under two numbers: the same name and birth date. */
const ada = (id: string, number: string) =>
  patient(id, number, { name: [{ use: 'official', family: 'Able', given: ['Ada'] }] });

t.test('files of numbers are read whole or not at all, and faults name lines, never numbers', async (t) => {
  const folder = t.testdir();
  const written = (text: string): string => {
    const file = join(folder, 'numbers.csv');
    writeFileSync(file, text);
    return file;
  };
  const HEADER = 'old_number,new_number,kind,date';
  t.same(
    await readNumberChanges(
      written(`${HEADER}\n999 000 0018,${BEN},superseded,2026-11-01\n${CLEO},${BEN},merged,${TODAY}\n`),
      TODAY,
    ),
    [superseded(ADA, BEN), { oldNumber: CLEO, newNumber: BEN, kind: 'merged', changedOn: TODAY }],
  );
  t.same(await readUnmerges(written(`old_number,new_number\n${ADA},${BEN}\n`)), [[ADA, BEN]]);
  t.same(await readKeptApart(written(`nhs_number,other_number\n${BEN},${ADA}\n`)), [[BEN, ADA]]);
  for (const [line, fault] of [
    [`${ADA},9990000027,merged,2026-11-01`, /Line 2: both are NHS numbers/],
    [`${ADA},${ADA},merged,2026-11-01`, /Line 2: the two numbers are different/],
    [`${ADA},${BEN},Merged,2026-11-01`, /Line 2: the kind is/],
    [`${ADA},${BEN},,2026-11-01`, /Line 2: the kind is/],
    [`${ADA},${BEN},merged,2026-02-30`, /Line 2: the date is/],
    [`${ADA},${BEN},merged,2026-11-23`, /Line 2: the date is/],
    [`${ADA},${BEN},merged,2026-11-01,more`, /Line 2: it has 4 cells/],
    ['', /Line 2: it has 4 cells/],
    [
      `${ADA},${BEN},merged,2026-11-01\n${ADA},${CLEO},merged,2026-11-02`,
      /Line 3: the old number is on line 2/,
    ],
  ] as const) {
    const reading = readNumberChanges(written(`${HEADER}\n${line}\n`), TODAY);
    const error: Error = await reading.then(
      () => new Error('it was read'),
      (thrown) => thrown,
    );
    t.match(error.message, fault);
    t.notMatch(error.message, /999/);
  }
  await t.rejects(readNumberChanges(written(''), TODAY), /empty/);
  await t.rejects(readNumberChanges(written('old,new\n'), TODAY), /has the columns/);
  await t.rejects(readKeptApart(written(`old_number,new_number\n${ADA},${BEN}\n`)), /has the columns/);
});

t.test('changes link people and take them apart again; no row moves (F-52)', async (t) => {
  const world = await loader(t);
  await world.load({ source: 'gp', files: { Patient: [ada('old', ADA), EVE] } });
  const rows = () => world.rows('select person_id, resource_id, valid_to from record.resource_version');
  const [before, [stood]] = [await rows(), await epochs(world, ADA)];
  t.same(await storeNumberChanges(world.database, [superseded(ADA, BEN)]), { linked: 2, notLinked: 0 });
  t.same(await links(world), { [ADA]: BEN, [BEN]: BEN }, 'a number that nothing is known of is somebody');
  t.match(
    await world.rows('select nhs_number, status from record.person_number where status <> $1', ['current']),
    [{ nhs_number: ADA, status: 'superseded' }],
  );
  const [linked] = await epochs(world, ADA);
  t.equal(linked, Number(stood) + 1, 'whoever reads them just now decides again');
  await storeNumberChanges(world.database, [superseded(ADA, BEN)]);
  t.same(await epochs(world, ADA), [linked], 'said again it changes nothing');

  const chain = [{ ...superseded(BEN, DAN, '2026-11-10'), kind: 'merged' } as const];
  await storeNumberChanges(world.database, chain);
  t.same(await links(world), { [ADA]: DAN, [BEN]: DAN, [DAN]: DAN });
  t.ok((await epochs(world, ADA)) > [linked]);

  await t.test('contradicting identities are not put together', async (t) => {
    t.same(await storeNumberChanges(world.database, [superseded(CLEO, DAN)]), { linked: 3, notLinked: 1 });
    t.notOk(CLEO in (await links(world)));
    await endNumberChanges(world.database, [[CLEO, DAN]]);
  });

  await t.test('what is taken back stays so, until a later change says it anew', async (t) => {
    const held = await epochs(world, ADA, BEN, DAN);
    t.same(await endNumberChanges(world.database, [[ADA, BEN]]), { linked: 2, notLinked: 0 });
    t.same(await links(world), { [BEN]: DAN, [DAN]: DAN });
    for (const [i, epoch] of (await epochs(world, ADA, BEN, DAN)).entries())
      t.ok(epoch > Number(held[i]), 'also for those who stay');
    await storeNumberChanges(world.database, [superseded(ADA, BEN)]);
    t.notOk(ADA in (await links(world)));
    await storeNumberChanges(world.database, [superseded(ADA, BEN, '2026-11-20')]);
    t.ok(ADA in (await links(world)));
    await t.rejects(endNumberChanges(world.database, [[ADA, CLEO]]), /not in force/);
    t.ok(ADA in (await links(world)));
  });

  await t.test('a pair that is never linked is apart at once and for ever', async (t) => {
    await storeKeptApart(world.database, [[DAN, ADA]]);
    t.notOk(ADA in (await links(world)), 'also by way of another number');
    await storeNumberChanges(world.database, [superseded(ADA, DAN, TODAY)]);
    t.notOk(ADA in (await links(world)));
    t.same(await links(world), { [BEN]: DAN, [DAN]: DAN });
  });
  t.same(await rows(), before);
  t.ok(
    (await world.rows("select from record.person_link where valid_to <> 'infinity'")).length > 0,
    'history',
  );
});

t.test('what sources send of linked people', async (t) => {
  const world = await loader(t);
  await world.load({ source: 'gp', files: { Patient: [ada('old', ADA)] } });
  await storeNumberChanges(world.database, [superseded(ADA, BEN)]);

  await t.test('an opt-out by the old number counts, also of one nobody knows', async (t) => {
    const before = await epochs(world, ADA, BEN);
    await world.load({
      source: 'gp',
      sequence: 2,
      files: { Patient: [ada('old', ADA)], Consent: [optOut('o', 'old', 'deny', '2026-11-20')] },
    });
    t.not((await epochs(world, ADA, BEN)).join(), before.join());
  });

  await t.test('one refusal is enough: agreements of linked people hold together', async (t) => {
    const files = {
      Patient: [ada('one', ADA), ada('two', BEN)],
      EpisodeOfCare: [episode('e1', 'one'), episode('e2', 'two')],
    };
    const given = { type: 'permit', period: { start: '2026-01-01' } };
    const held = () => world.rows('select from record.agreement');
    const both = [agreement('c1', 'one', given), agreement('c2', 'two', given)];
    await world.load({ source: 'adult', files: { ...files, Consent: both } });
    t.equal((await held()).length, 2);
    const refused = [agreement('c1', 'one', { type: 'deny' }, '2026-11-01'), ...both.slice(1)];
    await world.load({ source: 'adult', sequence: 2, files: { ...files, Consent: refused } });
    t.equal((await held()).length, 0);
    t.same(await world.rows('select from record.source_patient where source = 5'), [], 'nor is either held');
  });

  await t.test('identities that come to contradict each other: the old number is not believed', async (t) => {
    const eve = patient('n', BEN, { name: [{ use: 'official', family: 'Other', given: ['Eve'] }] });
    await world.load({ source: 'acute', files: { Patient: [eve] } });
    t.match(
      await world.rows(
        'select nhs_number, reason from record.quarantine join record.person_number using (person_id)',
      ),
      [{ nhs_number: ADA, reason: 'identity-conflict' }],
    );
    t.same(await links(world), { [ADA]: BEN, [BEN]: BEN }, 'the link stays, and what restricts either');
    await world.load({ source: 'acute', sequence: 2, files: { Patient: [ada('n', BEN)] } });
    await world.load({ source: 'gp', sequence: 3, files: { Patient: [ada('old', ADA)], Consent: [] } });
    t.same(await world.rows('select from record.quarantine'), []);
  });
});
