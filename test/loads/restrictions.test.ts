import t from 'tap';
import { NHS, NUMBERS, patient, type Row } from './rows.ts';
import { type ExtractSpec, type Loader, loader } from './world.ts';

const [ADA, , CLEO, DAN] = NUMBERS;
const RESTRICTED = {
  meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] },
};

async function epochOf({ rows }: Loader, nhsNumber: string): Promise<number> {
  const [row] = await rows(
    'select epoch from record.person join record.person_number using (person_id) where nhs_number = $1',
    [nhsNumber],
  );
  return Number(row?.['epoch']);
}

t.test('no other fault of its Patient row loses an S-flag', async (t) => {
  const world = await loader(t);
  const restricted = async (): Promise<readonly unknown[]> =>
    (
      await world.rows(
        'select nhs_number from record.restriction join record.person_number using (person_id) order by 1',
      )
    ).map((row) => row['nhs_number']);
  let sequence = 0;
  const night = (people: readonly Row[] | string, more: Partial<ExtractSpec> = {}): ExtractSpec => {
    sequence += 1;
    return { source: 'gp', sequence, files: { Patient: people }, ...more };
  };
  await world.load({ source: 'acute', files: { Patient: [patient('a', CLEO)] } });
  const open = patient('p1', ADA);
  const lines = (...rows: readonly Row[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const unnumbered = { identifier: [{ system: NHS, value: '9990000017' }] };
  const faults: readonly (readonly [string, readonly Row[] | string, Partial<ExtractSpec>?])[] = [
    ['a code that does not exist', [patient('p1', ADA, { gender: 'banana', ...RESTRICTED })]],
    ['and a number that is none', [patient('p1', ADA, { gender: 'banana', ...unnumbered, ...RESTRICTED })]],
    ['no id', lines(patient('p1', ADA, { id: 'a/b', ...RESTRICTED }), open)],
    ['implicit rules', [patient('p1', ADA, { implicitRules: 'urn:x', ...RESTRICTED })]],
    ['damaged text', [patient('p1', ADA, { language: '\ufffd', ...RESTRICTED })]],
    ['no UTF-8', lines(patient('p1', ADA, { language: '\u00eb', ...RESTRICTED })), { latin1: 'Patient' }],
    ['a number that is none', [patient('p1', ADA, { ...unnumbered, ...RESTRICTED })]],
    ['two numbers', lines(patient('p1', ADA, { identifier: [...numbers(ADA, DAN)], ...RESTRICTED }))],
    ['another row of the same id', [patient('p1', ADA, RESTRICTED), open]],
    ['another row of the same id, before', [open, patient('p1', ADA, RESTRICTED)]],
    ['another row of the same id, both wrong', [open, patient('p1', ADA, { gender: 'x', ...RESTRICTED })]],
    ['a list for meta', [patient('p1', ADA, { meta: [RESTRICTED.meta] })]],
  ];
  for (const [what, people, more] of faults) {
    await world.load(night([open]));
    t.same(await restricted(), [], `${what}: open before`);
    const before = await epochOf(world, ADA);
    await world.load(night(people, more));
    t.same(await restricted(), [ADA], what);
    t.equal((await epochOf(world, ADA)) > before, true, `${what}: its epoch`);
    await world.load(night(people, more));
    t.same(await restricted(), [ADA], `${what}: the same row another night`);
  }
  await world.load(night([patient('p1', ADA, { gender: 'banana', ...RESTRICTED })]));
  await world.load(night('{"resourceType":"Patient","id":"p1",\n'));
  t.same(await restricted(), [ADA], 'a row that says nothing lifts nothing');
  await world.load(night([open, patient('new', CLEO, { gender: 'banana', ...RESTRICTED })]));
  t.same(await restricted(), [CLEO], 'a person whom this source never held');
});

function numbers(...values: readonly string[]): readonly object[] {
  return values.map((value) => ({ system: NHS, value }));
}
