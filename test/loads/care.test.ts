import t from 'tap';
import { agreement, episode, NUMBERS, patient, type Row } from './rows.ts';
import { loader, policy } from './world.ts';

const TYPES = 'http://hl7.org/fhir/resource-types';
const [ADA, BEN, CLEO, DAN] = NUMBERS;

t.test('social care is held only with an agreement in force and an open case', async (t) => {
  const world = await loader(t);
  const people = { in: ADA, none: BEN, closed: CLEO, ended: DAN };
  const patients = Object.entries(people).map(([id, number]) => patient(id, number));
  const given = { type: 'permit', period: { start: '2026-01-01' } };
  const files = {
    Patient: patients,
    EpisodeOfCare: [
      episode('e1', 'in'),
      episode('e2', 'none'),
      episode('e3', 'closed', { status: 'finished' }),
      episode('e4', 'ended'),
    ],
    Consent: [
      agreement('c1', 'in', given),
      agreement('c3', 'closed', given),
      agreement('c4', 'ended', { type: 'permit', period: { start: '2025-01-01', end: '2026-11-21' } }),
    ],
  };
  const agreed = async (): Promise<unknown> =>
    world.rows(
      'select nhs_number from record.agreement join record.person_number using (person_id) order by 1',
    );
  const first = await world.load({ source: 'adult', files });
  t.match(first.types, { Patient: { new: 1, refused: 3 }, EpisodeOfCare: { new: 1, refused: 3 } });
  t.match(first.identity, { accepted: 1, refused: { 'no-agreement': 2, 'closed-case': 1 } });
  t.same(await agreed(), [{ nhs_number: ADA }]);
  t.match(
    await world.rows('select local_id from record.source_patient'),
    [{ local_id: 'in' }],
    'of the others nothing is kept',
  );
  t.match(await world.rows('select nhs_number from record.person_number'), [{ nhs_number: ADA }], 'nor made');
  t.same(await world.rows('select * from record.reject'), [], 'nor written down as rejected');

  await t.test('a refusal, a limit, an unreadable row, two refusing records or absence end it', async (t) => {
    let sequence = 1;
    const night = async (
      consents: readonly Row[],
      more: Record<string, readonly Row[]> = {},
    ): Promise<unknown> => {
      sequence += 1;
      await world.load({ source: 'adult', sequence, files: { ...files, Consent: consents, ...more } });
      return agreed();
    };
    const yes = agreement('c1', 'in', given);
    const kept = [{ nhs_number: ADA }];
    t.same(await night([yes, agreement('c2', 'in', { type: 'deny' }, '2026-01-02')]), []);
    t.same(await world.rows('select * from record.resource_version where valid_to > 100 and source = 5'), []);
    t.same(await night([yes]), kept, 'and given again it holds again');
    t.same(
      await night([yes, agreement('c2', 'in', { ...given, class: [{ code: 'x' }] }, '2026-01-02')]),
      [],
      'limited',
    );
    t.same(await night([{ ...yes, status: 'draft' }]), []);
    t.same(await night([{ ...yes, scope: undefined }]), [], 'invalid');
    t.same(
      await night([yes, { ...agreement('c2', 'in', {}, '2026-01-02'), category: 7 }]),
      [],
      'not readable, but newer',
    );
    t.same(
      await night([agreement('c1', 'in', { type: 'permit', period: { start: '2026-11-23' } })]),
      [],
      'not begun',
    );
    t.same(await night([yes]), kept);
    t.same(await night([]), [], 'absent');
    t.same(await night([yes]), kept);
    const twice = {
      Patient: [...patients, patient('in2', ADA)],
      EpisodeOfCare: [...files.EpisodeOfCare, episode('e9', 'in2')],
    };
    t.same(await night([yes], twice), [], 'a second open record without agreement');
    t.same(
      await night([yes], { Patient: [...patients, patient('in2', ADA)] }),
      kept,
      'a second record that is closed',
    );
  });

  await t.test(
    'an agreement that is limited is so at once; what widens it waits for the publication',
    async (t) => {
      const only = (...codes: readonly string[]) =>
        agreement('c1', 'in', { ...given, class: codes.map((code) => ({ system: TYPES, code })) });
      const limits = async (): Promise<unknown> =>
        (await world.rows('select limits from record.agreement')).map((row) => row['limits']);
      const load = async (
        sequence: number,
        consents: readonly Row[],
        more: Record<string, readonly Row[]> = {},
      ) => world.load({ source: 'adult', sequence, files: { ...files, Consent: consents, ...more } });
      await load(60, [agreement('c1', 'in', given)]);
      t.same(await limits(), [null]);
      t.match(await load(61, [only('EpisodeOfCare')]), { result: 'published' });
      t.same(await limits(), [{ types: ['EpisodeOfCare'] }]);
      await load(62, [agreement('c1', 'in', given)], { CarePlan: [] });
      t.same(await limits(), [null]);
      await world.load({
        source: 'adult',
        sequence: 63,
        files: { ...files, Consent: [only('EpisodeOfCare')] },
      });
      t.same(await limits(), [{ types: ['EpisodeOfCare'] }], 'though the load is refused');
      await world.load({
        source: 'adult',
        sequence: 63,
        files: { ...files, Consent: [only('EpisodeOfCare', 'CarePlan')] },
      });
      t.same(await limits(), [{ organisations: [] }], 'other limits: for nobody until they are published');
      await load(63, [only('EpisodeOfCare', 'CarePlan')], { CarePlan: [] });
      t.same(await limits(), [{ types: ['EpisodeOfCare', 'CarePlan'] }]);
    },
  );

  await t.test('an agreement ends ahead of a load that is refused', async (t) => {
    const deny = [agreement('c1', 'in', { type: 'deny' }, '2026-11-20')];
    const night = (sequence: number, parts: Record<string, readonly Row[]>, more = {}) =>
      world.load({ source: 'adult', sequence, files: parts }, more);
    const { EpisodeOfCare, ...short } = files;
    t.match(await night(90, { ...short, Consent: [] }), {
      result: 'refused',
      reason: { rule: 'file-missing' },
    });
    t.same(await agreed(), [{ nhs_number: ADA }], 'not by absence where a file is missing');
    t.match(await night(90, { ...short, Consent: deny }), {
      result: 'refused',
      consent: { agreementsEnded: 1 },
    });
    t.same(await agreed(), [], 'but by what is stated');
    await night(91, files);
    const unsigned = policy({ adult: { organisation: 'unsigned' } });
    t.match(await night(92, { ...files, Consent: [] }, { policy: unsigned }), { result: 'refused' });
    t.same(await agreed(), [], 'and by absence where none is');
    t.equal(EpisodeOfCare.length, 4);
  });
});
