import { join } from 'node:path';
import t from 'tap';
import type { Certificate } from '../../src/loads/certificate.ts';
import type { Mapping } from '../../src/loads/mapped-csv/mapping.ts';
import { readMappings } from '../../src/mapping-files.ts';
import { repositoryRoot } from '../support/root.ts';
import { type CsvRow, csv, MAPPING, PEOPLE, people, person, service, services } from './mapped-terms.ts';
import { ADA, BEN, bodies, CAT, extract, mappedBy } from './mapped-world.ts';
import { type ExtractSpec, loader, policy } from './world.ts';

t.test(
  'agreements: only whoever agreed and receives care is held; what ends one night is gone',
  async (t) => {
    const world = await loader(t);
    const files = (more: CsvRow): ExtractSpec['files'] => ({
      people: people(person('1', ADA, more), person('2', BEN, { Agreed: '' }), person('3', CAT)),
      services: services(service('a', '1'), service('b', '2'), service('c', '3', { End: '01/04/2026' })),
    });
    const first = await world.load(extract(files({})), mappedBy(MAPPING));
    t.match(first, {
      identity: { accepted: 1, refused: { 'no-agreement': 1, 'closed-case': 1 } },
      consent: { agreementsInForce: 1 },
    });
    t.equal((await bodies(world, 'EpisodeOfCare')).length, 1);
    for (const [night, more] of [{ Agreed: '?' }, { Agreed: 'N' }, { AgreedOn: '01/01/2027' }].entries()) {
      t.match(await world.load(extract(files({}), 2 * night + 2), mappedBy(MAPPING)), {
        identity: { accepted: 1 },
      });
      const ended = await world.load(extract(files(more), 2 * night + 3), mappedBy(MAPPING));
      t.match(ended, { identity: { accepted: 0 }, consent: { agreementsEnded: 1 } }, JSON.stringify(more));
      t.equal((await bodies(world, 'EpisodeOfCare')).length, 0);
    }
  },
);

t.test('the S-flag and the opt-out of a table restrict, also where the row has another fault', async (t) => {
  const world = await loader(t);
  const [agreement] = PEOPLE.consents ?? [];
  const table = { ...PEOPLE, consents: [{ ...agreement, about: 'health-opt-out' }] };
  const mapping = { ...MAPPING, tables: { people: table } } as Mapping;
  const practice = policy({ gp: { format: 'mapped-csv' } });
  const night = (sequence: number, ...rows: readonly CsvRow[]): Promise<Certificate> =>
    world.load(
      { source: 'gp', format: 'mapped-csv', sequence, files: { people: people(...rows) } },
      { policy: practice, mapping },
    );
  const silent = { Agreed: '', AgreedOn: '' };
  t.match(await night(1, person('1', ADA, silent), person('2', BEN, silent), person('3', CAT, silent)), {
    consent: { optedOut: 0, restricted: 0 },
  });
  const second = await night(
    2,
    person('1', ADA, { ...silent, Flag: 'Y', Born: '99/99/1950' }),
    person('2', BEN, { ...silent, Flag: '?' }),
    person('3', CAT, { Agreed: 'Y', AgreedOn: '', Sex: 'Q' }),
  );
  t.match(second, { result: 'published', consent: { optedOut: 1, restricted: 2 } });
  const third = await night(3, person('1', ADA, silent), person('2', BEN, silent), person('3', CAT, silent));
  t.match(third, { result: 'published', consent: { optedOut: 0 } });
  t.same(
    await world.rows('select nhs_number, opted_out from record.opt_out'),
    [{ nhs_number: CAT, opted_out: true }],
    'silence ends no opt-out',
  );
});

t.test('an NHS number with a wrong check digit quarantines the person, as in every feed', async (t) => {
  const world = await loader(t);
  const files = { people: people(person('1', '9990000019')), services: services(service('a', '1')) };
  t.match(await world.load(extract(files), mappedBy(MAPPING)), {
    identity: { accepted: 0, quarantined: { 'nhs-number': 1 } },
  });
});

const CLD_PERSON = {
  'LA Person Unique Identifier': 'A/1',
  'NHS Number': ADA,
  'MCR NHS Number Status': '01',
  'First Name': 'Ada',
  'Last Name': 'Quill',
  Gender: 'Female',
  'Date of Birth': '17/05/1950',
  'MCR Restricted': 'N',
  'MCR Agreement': 'Y',
  'MCR Agreement Recorded': '01/02/2026',
};

function event(ref: string, type: string, start: string, end: string, more: CsvRow = {}): CsvRow {
  const person = { 'LA Person Unique Identifier': 'A/1', 'MCR Event Reference': ref, 'MCR Team': 'North' };
  return { ...person, 'Event Type': type, 'Event Start Date': start, 'Event End Date': end, ...more };
}

t.test('adult social care in terms of Client Level Data', async (t) => {
  const world = await loader(t);
  const sources = policy({ adult: { format: 'mapped-csv', mapping: 'adult-social-care-cld.json' } }).sources;
  const { mappings } = readMappings([...sources.values()], (path) =>
    join(repositoryRoot(), 'mappings', path),
  );
  const mapping = mappings.get('adult');
  if (mapping === undefined) throw new Error('The mapping that comes with the service is not there.');
  const table = (name: string, ...rows: readonly CsvRow[]): string =>
    csv(
      [...Object.keys(mapping.tables[name]?.columns ?? {}), ...(name === 'event' ? ['Unit Cost'] : [])],
      rows,
    );
  const mine = { 'LA Person Unique Identifier': 'A/1' };
  const files = {
    person: table('person', CLD_PERSON),
    event: table(
      'event',
      event('1', 'Request', '01/02/2026', '03/02/2026', { 'Primary Support Reason': 'Memory and cognition' }),
      event('2', 'Assessment', '05/02/2026', '', {
        'Assessment Type': 'Long term assessment',
        'Unit Cost': '9',
      }),
      event('3', 'Service', '01/03/2026', '', {
        'Service Type': 'Community',
        'Service Component': 'Home support',
      }),
      event('4', 'Review', '01/10/2026', '05/10/2026', {
        'Review Reason': 'Planned',
        'Event Outcome': 'No change',
      }),
      event('5', 'Other', '01/10/2026', '05/10/2026'),
    ),
    mcr_plan: table('mcr_plan', { ...mine, 'MCR Plan Reference': '1', 'MCR Plan Start': '01/03/2026' }),
    mcr_worker: table('mcr_worker', {
      ...mine,
      'MCR Involvement Reference': '1',
      'MCR Worker Name': 'Wyn Ash',
      'MCR Worker Role': 'Social worker',
      'MCR Worker Telephone': '01632 960001',
    }),
  };
  const certificate = await world.load(extract(files), mappedBy(mapping));
  t.match(certificate, {
    result: 'published',
    identity: { accepted: 1 },
    types: {
      Patient: { new: 1, rejected: {} },
      ServiceRequest: { new: 1 },
      Task: { new: 2 },
      EpisodeOfCare: { new: 1 },
      CarePlan: { new: 1 },
      CareTeam: { new: 1 },
      event: { rejected: { 'no-resource': 1 } },
    },
  });
  t.match(await bodies(world, 'ServiceRequest'), [
    { status: 'completed', intent: 'proposal', reasonCode: [{ text: 'Memory and cognition' }] },
  ]);
  t.match(await bodies(world, 'EpisodeOfCare'), [
    {
      status: 'active',
      type: [{ text: 'Community' }, { text: 'Home support' }],
      careManager: { display: 'North' },
    },
  ]);
  t.match(await bodies(world, 'CareTeam'), [
    {
      status: 'active',
      participant: [{ role: [{ text: 'Social worker' }], member: { display: 'Wyn Ash' } }],
      telecom: [{ system: 'phone', value: '01632 960001' }],
    },
  ]);
  t.match(await bodies(world, 'CarePlan'), [{ status: 'active', title: 'Care and support plan' }]);
  const tasks = await bodies(world, 'Task');
  t.same(new Set(tasks.map((task) => task['status'])), new Set(['in-progress', 'completed']));
  t.match(await bodies(world, 'Patient'), [
    { gender: 'female', birthDate: '1950-05-17', name: [{ family: 'Quill' }] },
  ]);
});
