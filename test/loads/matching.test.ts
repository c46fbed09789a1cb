import t from 'tap';
import type { Occurrence } from '../../src/audit/occurrence.ts';
import { withoutDemographics } from '../../src/cli/matching.ts';
import { candidatesOf } from '../../src/identity/candidates.ts';
import { matchedRecord } from '../../src/loads/lcs/matched.ts';
import type { PatientFault } from '../../src/loads/records.ts';
import { accountShown, decideMatch, type MatchingService, matchingQueue } from '../../src/matching.ts';
import { folder, type Tables } from './lcs-folder.ts';
import { agreed, involvement, person } from './lcs-rows.ts';
import { NUMBERS, patient } from './rows.ts';
import { type Loader, loader, policy } from './world.ts';

const [MINA, OTHER, ELSE, WRONG] = NUMBERS;
const ACTOR = { by: 'a.officer', reason: 'compared with the file' };
const BORN = { birthDate: '2016-05-14' };
const named = (family: string, given: string) => ({ ...BORN, name: [{ family, given: [given] }] });

const GP = [
  patient('g1', MINA, named('Testley', 'Mina')),
  patient('g2', OTHER, named('Otherwise', 'Mina')),
  patient('g3', ELSE, { ...named('Testley', 'Mina'), birthDate: '2016-05-15' }),
];
const NIGHT: Tables = {
  ssd_person: [person('c1', WRONG, { mcr_nhs_number_status: '02' }), person('c2', '', { pers_dob: '' })],
  ssd_involvements: [involvement('i1', 'c1'), involvement('i2', 'c2')],
  mcr_sharing_agreements: [agreed('a1', 'c1'), agreed('a2', 'c2')],
};

interface Queue {
  readonly service: MatchingService;
  readonly events: Occurrence[];
  readonly fail: { now: boolean };
}

function queueOf({ database }: Loader): Queue {
  const events: Occurrence[] = [];
  const fail = { now: false };
  const account = async (event: Occurrence): Promise<void> => {
    if (fail.now) throw new Error('The audit log is not to be had.');
    events.push(event);
  };
  return { service: { configuration: { policy: policy() }, database, account }, events, fail };
}

async function personOf({ rows }: Loader, nhsNumber: string): Promise<string> {
  const [row] = await rows('select person_id::text as id from record.person_number where nhs_number = $1', [
    nhsNumber,
  ]);
  return String(row?.['id']);
}

/** Types of the council's rows that are held of a person, unless they are quarantined. */
async function shown({ rows }: Loader, personId: string): Promise<readonly number[]> {
  const found = await rows(
    `select v.type from record.resource_version v where v.person_id = $1 and v.source = 6
       and v.valid_to = 9223372036854775807
       and not exists (select from record.quarantine q where q.person_id = $1 and q.source = 6) order by 1`,
    [personId],
  );
  return found.map((row) => Number(row['type']));
}

t.test('a child without a verified number waits until somebody says who it is', async (t) => {
  const world = await loader(t);
  const { service, events, fail } = queueOf(world);
  await world.load({ source: 'gp', files: { Patient: GP } });
  let sequence = 0;
  const night = (tables: Tables = NIGHT) => {
    sequence += 1;
    return world.load(folder(sequence, tables));
  };
  await night();
  const mina = await personOf(world, MINA);
  const c1 = { source: 'lcs', localId: 'c1', personId: mina };

  await t.test('the list says where, and how many it may be, and names nobody', async (t) => {
    const waiting = await matchingQueue(service, 'lcs');
    const lines = waiting.map(withoutDemographics);
    t.same(lines, [
      { source: 'lcs', localId: 'c1', line: 2, reason: 'unverified', candidates: 2, confirmed: false },
      { source: 'lcs', localId: 'c2', line: 3, reason: 'no-nhs-number', candidates: 0, confirmed: false },
    ]);
    t.notMatch(JSON.stringify(lines), /mina|testley|2016/i);
    t.same(await matchingQueue(service, 'gp'), []);
    t.equal((await matchingQueue(service)).length, 2);
    await t.rejects(matchingQueue(service, 'nobody'), /no source/);
    await accountShown(service, waiting, ACTOR);
    t.same(
      events.map((event) => event.personId),
      [undefined, ...new Set(waiting.flatMap((one) => one.candidates.map((each) => each.personId)))],
      'an event of the list, and one of each person whose demographics are shown',
    );
    t.match(events[0], { what: 'match', details: ACTOR });
  });

  await t.test('nothing is matched of itself', async (t) => {
    await night();
    t.same(await shown(world, mina), []);
    t.match(await world.rows('select * from record.matching_decision'), []);
  });

  await t.test('who is no candidate is not confirmed', async (t) => {
    const third = await personOf(world, ELSE);
    await t.rejects(decideMatch(service, 'confirm', { ...c1, personId: third }, ACTOR), /no candidate/);
    await t.rejects(decideMatch(service, 'confirm', { ...c1, localId: 'c2' }, ACTOR), /no candidate/);
    await t.rejects(decideMatch(service, 'confirm', { ...c1, localId: 'c9' }, ACTOR), /Nobody of this id/);
    await t.rejects(decideMatch(service, 'reject', { ...c1, personId: third }, ACTOR), /no candidate/);
    await world.rows('insert into record.restriction values ($1, 1)', [mina]);
    await t.rejects(decideMatch(service, 'confirm', c1, ACTOR), /no candidate/, 'nor who is restricted');
    await world.rows('delete from record.restriction');
    fail.now = true;
    await t.rejects(decideMatch(service, 'confirm', c1, ACTOR), /audit log/);
    fail.now = false;
    t.same(await world.rows('select * from record.matching_decision'), [], 'nor what cannot be audited');
  });

  await t.test('a confirmation takes effect with the next extract, and stands', async (t) => {
    events.length = 0;
    await decideMatch(service, 'confirm', c1, ACTOR);
    t.match(events, [{ what: 'configuration', personId: mina, details: { ...ACTOR, localId: 'c1' } }]);
    t.equal(events.length, 1);
    await t.rejects(decideMatch(service, 'confirm', c1, ACTOR), /has been matched/);
    t.same(await shown(world, mina), []);
    t.equal((await matchingQueue(service))[0]?.confirmed, mina);
    const { types, identity } = await night();
    t.match(types, { Patient: { new: 1 }, CareTeam: { new: 1 } });
    t.match(identity, { accepted: 1, unmatched: 1 });
    t.same(await shown(world, mina), [1, 17]);
    const [row] = await world.rows('select body from record.resource_version where source = 6 and type = 1');
    t.notMatch(String(row?.['body']), new RegExp(WRONG), 'the number that is not verified is not shown');
    t.match(await night().then((one) => one.types), { Patient: { unchanged: 1, changed: 0 } });
    t.same(await shown(world, mina), [1, 17]);
    t.match(
      (await matchingQueue(service)).map((each) => each.localId),
      ['c2'],
    );
  });

  await t.test('what contradicts the person is quarantined all the same', async (t) => {
    const renamed = person('c1', '', { pers_forename: 'Quentin', pers_surname: 'Unlike' });
    const { identity } = await night({ ...NIGHT, ssd_person: [renamed] });
    t.match(identity, { quarantined: { 'identity-conflict': 1 } });
    t.same(await shown(world, mina), []);
    await night();
    t.same(await shown(world, mina), [1, 17]);
  });

  await t.test('a match that was wrong is hidden at once, and its rows go', async (t) => {
    const epoch = async (): Promise<number> =>
      Number(
        (await world.rows('select epoch from record.person where person_id = $1', [mina]))[0]?.['epoch'],
      );
    const before = await epoch();
    await decideMatch(service, 'reject', c1, ACTOR);
    t.same(await shown(world, mina), []);
    t.ok((await epoch()) > before);
    t.same(await world.rows('select * from record.agreement'), []);
    t.same(await world.rows('select * from record.person_search where source = 6'), []);
    const lines = (await matchingQueue(service)).map(withoutDemographics);
    t.match(lines[0], { localId: 'c1', candidates: 1, confirmed: false });
    const unreadable = person('c1', '', { pers_dob: 'unknown' });
    await night({ ...NIGHT, ssd_person: [unreadable] });
    t.same(
      await world.rows(
        'select * from record.resource_version where source = 6 and valid_to = 9223372036854775807',
      ),
      [],
      'even where the row cannot be read',
    );
    t.same(await world.rows('select * from record.quarantine'), []);
    await night();
    t.same(await shown(world, mina), []);
  });

  await t.test('who erred may think better of it', async (t) => {
    await decideMatch(service, 'confirm', c1, ACTOR);
    await night();
    t.same(await shown(world, mina), [1, 17]);
  });

  await t.test('a verified number of the council’s own goes before the decision', async (t) => {
    const own = person('c1', OTHER);
    await night({ ...NIGHT, ssd_person: [own] });
    t.same(await shown(world, mina), []);
    t.same(await shown(world, await personOf(world, OTHER)), [1, 17]);
  });

  await t.test('no decision outlives the agreement that lets the child be held', async (t) => {
    await night({ ...NIGHT, mcr_sharing_agreements: [] });
    t.same(await world.rows('select * from record.matching_decision'), []);
    t.same(await matchingQueue(service), []);
  });
});

t.test('whom somebody may be', async (t) => {
  const of = (family: string, given: string, birthDate = '2016-05-14') => ({ birthDate, family, given });
  const found = (one: ReturnType<typeof of>, ...others: ReturnType<typeof of>[]) =>
    candidatesOf(
      [one],
      others.map((demographics, index) => ({ personId: String(index), demographics })),
    );
  t.same(found(of('a', 'b'), of('a', 'b'), of('a', 'x'), of('x', 'b'), of('x', 'y')), ['0', '1', '2']);
  t.same(found(of('a', 'b'), of('a', 'b', '2016-05-15')), []);
  t.same(found(of('a', 'b', ''), of('a', 'b', '')), [], 'not by names alone');
  t.same(found(of('a', 'b', '2016-05'), of('a', 'b', '2016-05')), []);
  t.same(found(of('', ''), of('', '')), []);
  const twice = [{ personId: 'p', demographics: of('a', 'b') }];
  t.same(candidatesOf([of('a', 'b'), of('a', 'c')], [...twice, ...twice]), ['p'], 'each once');
});

t.test('what a decision makes of a child’s record', async (t) => {
  const record = (fault?: PatientFault, family = 'testley') => ({
    localId: 'c1',
    line: 2,
    hash: Buffer.alloc(32),
    ...(fault !== undefined && { fault }),
    nhsNumber: WRONG,
    restricted: false,
    demographics: { birthDate: '2016-05-14', family, given: '' },
    names: [],
    households: [],
  });
  t.match(matchedRecord(record('nhs-number-status'), undefined), { fault: 'unverified' });
  t.match(matchedRecord(record('no-nhs-number'), undefined), { fault: 'no-nhs-number' });
  t.same(matchedRecord(record('nhs-number-status'), MINA), { ...record(), nhsNumber: MINA });
  t.match(matchedRecord(record('no-nhs-number', ''), MINA), { fault: 'demographics-missing' });
  t.same(matchedRecord(record(), MINA), record(), 'a verified number is its own');
  t.same(matchedRecord(record('nhs-number'), MINA), record('nhs-number'), 'a wrong one is no unknown one');
});
