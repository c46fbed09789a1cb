import t from 'tap';
import { namesOf, readRelationship, relationshipText } from '../../src/access/relationship-text.ts';
import { relationshipsOf } from '../../src/loads/relationships.ts';
import { source } from '../access/world.ts';

const DAY = '2026-11-22';
const ODS = 'https://fhir.nhs.uk/Id/ods-organization-code';
const acute = source('acute', 2, 'RXQ');
const practices = source('gp', 1, 'practices', { registers: true });
const named = (code: string, system = ODS) => ({ identifier: { system, value: code } });

/** What a row comes to, each as `organisation kind from to`. */
function found(row: object, from = acute): readonly string[] {
  return relationshipsOf(row, from, DAY).map((text) => text.replaceAll('\t', ' ').trim());
}

t.test('a registration: with the practice that a Patient names, or whose Patient it is', async (t) => {
  const patient = { resourceType: 'Patient', managingOrganization: named('K82001') };
  t.strictSame(found(patient, practices), [`${ODS}|K82001 registration ${DAY}`]);
  t.strictSame(found(patient), [], 'a hospital that knows somebody has not registered them');
  const old = 'https://fhir.nhs.uk/Id/ods-organisation-code';
  const sent = { ...patient, generalPractitioner: [{ reference: 'Practitioner/7' }, named('K82002', old)] };
  t.strictSame(found(sent), [`${ODS}|K82002 registration ${DAY}`], 'by either spelling of the system');
  t.strictSame(found({ ...sent, active: false }, practices), [], 'not any more');
});

t.test('an involvement, an episode, an encounter, an appointment, a referral', async (t) => {
  const cases: readonly (readonly [title: string, row: object, wanted: readonly string[]])[] = [
    [
      'a team, by its own days',
      { resourceType: 'CareTeam', status: 'active', period: { start: '2026-03-01' }, participant: [{}] },
      ['RXQ involvement 2026-03-01'],
    ],
    [
      "a team, by its members' days",
      {
        resourceType: 'CareTeam',
        status: 'active',
        managingOrganization: [named('RNU')],
        participant: [
          { period: { start: '2026-03-01', end: '2026-11-21' } },
          { period: { start: '2026-05-01', end: '2026-12-01' } },
          {},
        ],
      },
      [`${ODS}|RNU involvement 2026-05-01 2026-12-01`],
    ],
    [
      'a team of the past',
      { resourceType: 'CareTeam', status: 'inactive', period: { start: '2026-03-01' } },
      [],
    ],
    [
      'an episode',
      { resourceType: 'EpisodeOfCare', status: 'active', period: { start: '2026', end: '2027' } },
      ['RXQ episode 2026-12-31 2027-01-01'],
    ],
    [
      'an episode that ended',
      { resourceType: 'EpisodeOfCare', status: 'finished', period: { start: '2026' } },
      [],
    ],
    ['an episode without a beginning', { resourceType: 'EpisodeOfCare', status: 'active' }, []],
    [
      'an encounter, for a year at most',
      { resourceType: 'Encounter', status: 'in-progress', period: { start: '2026-11-20T10:00:00Z' } },
      ['RXQ encounter 2026-11-20 2027-11-20'],
    ],
    [
      'an encounter that nobody closed',
      { resourceType: 'Encounter', status: 'in-progress', period: { start: '2025-11-20' } },
      [],
    ],
    [
      'an encounter that ended',
      { resourceType: 'Encounter', status: 'finished', period: { start: '2026-11-20' } },
      [],
    ],
    [
      'an encounter that is planned',
      { resourceType: 'Encounter', status: 'planned', period: { start: '2026-12-01' } },
      ['RXQ encounter 2026-11-17 2026-12-15'],
    ],
    [
      'an appointment, before and after it',
      {
        resourceType: 'Appointment',
        status: 'booked',
        start: '2026-12-10T09:00:00Z',
        end: '2026-12-10T09:20:00Z',
      },
      ['RXQ appointment 2026-11-26 2026-12-24'],
    ],
    [
      'an appointment long ago',
      { resourceType: 'Appointment', status: 'fulfilled', start: '2026-10-01T09:00:00Z' },
      [],
    ],
    [
      'a cancelled one',
      { resourceType: 'Appointment', status: 'cancelled', start: '2026-12-10T09:00:00Z' },
      [],
    ],
    [
      'a referral, to whom it is',
      {
        resourceType: 'ServiceRequest',
        status: 'active',
        authoredOn: '2026-11-01',
        performer: [named('RNU')],
      },
      [`${ODS}|RNU referral 2026-11-01 2027-11-01`],
    ],
    [
      'a referral that was answered',
      { resourceType: 'ServiceRequest', status: 'completed', authoredOn: '2026-11-01' },
      [],
    ],
    ['a result', { resourceType: 'Observation', status: 'final', effectiveDateTime: DAY }, []],
  ];
  for (const [title, row, wanted] of cases) t.strictSame(found(row), wanted, title);
});

t.test('what is kept reads back as it was, and nothing else does', async (t) => {
  const open = { organisation: `${ODS}|RXQ`, kind: 'episode', from: DAY } as const;
  const ended = { ...open, to: '2026-12-31' };
  t.strictSame(readRelationship(relationshipText(open)), open);
  t.strictSame(readRelationship(relationshipText(ended)), ended);
  for (const text of [
    '',
    'RXQ',
    `RXQ\tfriend\t${DAY}\t`,
    'RXQ\tepisode\t\t',
    'RXQ\tepisode\t2026-02-30\t',
    `RXQ\tepisode\t${DAY}\tsoon`,
    `\tepisode\t${DAY}\t`,
    `RXQ\tepisode\t${DAY}\t\tmore`,
  ]) {
    t.equal(readRelationship(text), undefined, JSON.stringify(text));
  }
  t.strictSame(namesOf({ system: ODS, code: 'RXQ' }), ['RXQ', `${ODS}|RXQ`]);
  const hostile = { resourceType: 'EpisodeOfCare', status: 'active', period: { start: DAY } };
  t.strictSame(
    found({ ...hostile, managingOrganization: named('K1\tepisode') }),
    [`RXQ episode ${DAY}`],
    'no organisation is named by what could be read as another line',
  );
});
