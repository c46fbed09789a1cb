import t from 'tap';
import { Problem } from '../../../src/fhir/problem.ts';
import { referencesOf, typesLookedInto } from '../../../src/fhir/search/world.ts';
import { criteriaOf, found, type Resource, searchedOf, sorted } from '../../support/searching.ts';

/** Two people, who sees them and where: enough for every way of following a reference. */
const RECORD: readonly Resource[] = [
  {
    resourceType: 'Patient',
    id: 'ann',
    gender: 'female',
    name: [{ family: 'Able' }],
    managingOrganization: { reference: 'Organization/gp' },
  },
  {
    resourceType: 'Patient',
    id: 'bob',
    gender: 'male',
    name: [{ family: 'Baker' }],
    generalPractitioner: [{ reference: 'Practitioner/d' }, { reference: 'Organization/gp' }],
    link: [{ other: { reference: 'Patient/ann' }, type: 'seealso' }],
  },
  { resourceType: 'Practitioner', id: 'd', name: [{ family: 'Able' }] },
  {
    resourceType: 'Organization',
    id: 'gp',
    name: 'Able Surgery',
    partOf: { reference: 'Organization/trust' },
  },
  { resourceType: 'Organization', id: 'trust', name: 'Trust', partOf: { reference: 'Organization/gp' } },
  {
    resourceType: 'Encounter',
    id: 'e1',
    status: 'finished',
    subject: { reference: 'Patient/ann' },
    serviceProvider: { reference: 'Organization/gp' },
  },
  {
    resourceType: 'Encounter',
    id: 'e2',
    status: 'planned',
    subject: { reference: 'Patient/bob' },
    serviceProvider: { reference: 'Organization/nowhere' },
  },
  {
    resourceType: 'Observation',
    id: 'o1',
    code: { coding: [{ code: 'a' }] },
    subject: { reference: 'Patient/ann' },
    encounter: { reference: 'Encounter/e1' },
    performer: [{ reference: 'Practitioner/d' }],
  },
  {
    resourceType: 'Observation',
    id: 'o2',
    code: { coding: [{ code: 'b' }] },
    subject: { reference: 'Patient/bob' },
    encounter: { reference: 'Encounter/e2' },
    performer: [{ reference: 'Organization/gp' }],
  },
  {
    resourceType: 'Observation',
    id: 'o3',
    code: { coding: [{ code: 'b' }] },
    subject: { display: 'a device' },
    hasMember: [{ reference: 'Observation/o3' }, { reference: 'Observation/o1' }],
  },
  {
    resourceType: 'Provenance',
    id: 'v1',
    target: [{ reference: 'Observation/o1' }],
    agent: [{ who: { reference: 'Practitioner/d' } }],
  },
];

const ids = (query: string): readonly string[] => {
  const [type = '', rest = ''] = query.split('?');
  return found(type, rest, RECORD);
};

t.test('chains', async (t) => {
  const cases: readonly (readonly [sentence: string, query: string, ids: string])[] = [
    ['one reference', 'Observation?subject:Patient.name=able', 'o1'],
    ['by a parameter for one type', 'Observation?patient.name=able', 'o1'],
    ['without a type where only one has the parameter', 'Observation?encounter.status=planned', 'o2'],
    ['without a type to every type that has it', 'Observation?performer.name=able', 'o1 o2'],
    ['with a type to that type alone', 'Observation?performer:Organization.name=able', 'o2'],
    ['two references', 'Observation?encounter.service-provider.name=able', 'o1'],
    ['three', 'Observation?encounter.service-provider.partof.name=trust', 'o1'],
    ['by id', 'Observation?encounter._id=e1,e2', 'o1 o2'],
    ['with a modifier', 'Observation?subject:Patient.gender:not=male', 'o1'],
    ['with what is missing', 'Observation?subject:Patient.general-practitioner:missing=true', 'o1'],
    [
      'a reference that leads nowhere meets nothing, what is asked not to be so either',
      'Encounter?service-provider.name:missing=true',
      '',
    ],
    ['by one of several values', 'Observation?subject:Patient.name=able,baker', 'o1 o2'],
    ['twice', 'Observation?subject:Patient.name=able&subject:Patient.gender=female', 'o1'],
    [
      'twice, of which one is not met',
      'Observation?subject:Patient.name=able&subject:Patient.gender=male',
      '',
    ],
    ['in a circle', 'Organization?partof.partof.partof.name=trust', 'gp'],
    ['to itself', 'Observation?has-member.has-member.code=a', 'o3'],
    ['from any of several references', 'Patient?general-practitioner.name=able~surgery', ''],
    ['of a person to another', 'Patient?link.name=able', 'bob'],
  ];
  for (const [sentence, query, expected] of cases)
    t.equal(ids(query).join(' '), expected, `${sentence}: ${query}`);
  t.strictSame(ids('Patient?general-practitioner.name=able surgery'), ['bob']);
});

t.test('what refers to it', async (t) => {
  const cases: readonly (readonly [sentence: string, query: string, ids: string])[] = [
    ['one reference', 'Patient?_has:Observation:patient:code=b', 'bob'],
    ['by any reference parameter', 'Practitioner?_has:Observation:performer:code=a,b', 'd'],
    ['only by resources of that type', 'Organization?_has:Observation:performer:code=a', ''],
    ['twice', 'Patient?_has:Observation:patient:code=a&_has:Encounter:patient:status=finished', 'ann'],
    [
      'twice, of which one is not met',
      'Patient?_has:Observation:patient:code=a&_has:Encounter:patient:status=planned',
      '',
    ],
    ['one within another', 'Patient?_has:Observation:patient:_has:Provenance:target:agent=d', 'ann'],
    ['with a chain behind it', 'Patient?_has:Observation:patient:performer:Practitioner.name=able', 'ann'],
    [
      'with a chain to several types behind it',
      'Patient?_has:Observation:patient:performer.name=able',
      'ann bob',
    ],
    ['behind a chain', 'Observation?encounter._has:Observation:encounter:code=b', 'o2'],
    ['with a modifier', 'Patient?_has:Observation:patient:code:not=a', 'bob'],
    ['of the same type', 'Observation?_has:Observation:has-member:code=b', 'o1 o3'],
    ['in a circle', 'Organization?_has:Organization:partof:_has:Organization:partof:name=gp', ''],
    [
      'in a circle that closes',
      'Organization?_has:Organization:partof:_has:Organization:partof:name=able',
      'gp',
    ],
    ['beside a condition of its own', 'Patient?gender=male&_has:Observation:patient:code=a,b', 'bob'],
    ['where an identifier names nobody here', 'Patient?_has:Observation:subject:_id=o3', ''],
  ];
  for (const [sentence, query, expected] of cases)
    t.equal(ids(query).join(' '), expected, `${sentence}: ${query}`);
});

t.test('chains that R4 does not have are refused', async (t) => {
  const queries: readonly (readonly [type: string, query: string])[] = [
    ['Observation', 'subject:Practitioner.name=x'],
    ['Observation', 'code.name=x'],
    ['Observation', 'subject.constructor=x'],
    ['Observation', 'subject.nonsense=x'],
    ['Observation', 'encounter.service-provider.partof.partof.name=x'],
    ['Observation', 'focus.name=x'],
    ['Patient', '_has:Observation:code:code=x'],
    ['Patient', '_has:Observation:constructor:code=x'],
    ['Patient', '_has:Observation:patient=x'],
    ['Patient', '_has:constructor:patient:code=x'],
    ['Patient', '_has:AuditEvent:patient:action=R'],
    ['Provenance', 'target:AuditEvent.action=R'],
    ['Observation', 'toString=x'],
    ['Observation', '__proto__=x'],
    ['Observation', 'constructor:missing=true'],
  ];
  for (const [type, query] of queries) {
    t.throws(
      () => criteriaOf(type, query),
      new Problem(query.includes('partof.partof') ? 'too-costly' : 'unsupported', ''),
      `${type}?${query}`,
    );
  }
});

t.test('what of it is written wrongly is refused', async (t) => {
  t.throws(() => criteriaOf('Patient', '_has=x'), new Problem('invalid', ''));
  t.throws(() => criteriaOf('Observation', 'subject:Patient.birthdate=x'), new Problem('invalid', ''));
});

t.test('references that are followed, and the types that are looked into', async (t) => {
  const encounter = searchedOf({
    resourceType: 'Encounter',
    subject: { reference: 'Patient/ann' },
    participant: [
      { individual: { reference: 'Practitioner/d' } },
      { individual: { type: 'Practitioner' } },
      { individual: { reference: '#x' } },
      { individual: { reference: 'PractitionerRole/r' } },
    ],
  });
  t.strictSame(referencesOf(encounter, 'participant'), ['Practitioner/d', 'PractitionerRole/r']);
  t.strictSame(referencesOf(encounter, 'practitioner'), ['Practitioner/d']);
  t.strictSame(referencesOf(encounter, 'patient'), ['Patient/ann']);
  for (const name of ['status', 'constructor', '_has', ''])
    t.strictSame(referencesOf(encounter, name), [], name);
  const criteria = criteriaOf(
    'Patient',
    '_has:Observation:patient:encounter.service-provider.name=x&link.name=y&gender=male',
  );
  t.strictSame(typesLookedInto(criteria), [
    'Observation',
    'Encounter',
    'Organization',
    'Patient',
    'RelatedPerson',
  ]);
});

t.test('order', async (t) => {
  const of = (id: string, members: object): Resource => ({ resourceType: 'Observation', id, ...members });
  const resources = [
    of('a', { effectiveDateTime: '2024-02', status: 'final', valueQuantity: { value: 10 } }),
    of('b', { effectivePeriod: { end: '2024' }, status: 'amended', valueQuantity: { value: 9 } }),
    of('c', {
      effectiveDateTime: '2024-02-01T00:00:00Z',
      status: 'final',
      valueString: 'Éa',
      valueQuantity: { value: 1, comparator: '<' },
    }),
    of('d', { status: 'final', valueString: 'eb' }),
    of('e', {
      effectivePeriod: { start: '2023' },
      status: 'amended',
      valueString: 'f',
      code: { coding: [{ code: 'z' }, { code: 'b' }] },
    }),
  ];
  const cases: readonly (readonly [sentence: string, sort: string, ids: string])[] = [
    ['by date, from their beginning; without one last', 'date', 'b e a c d'],
    ['latest first; without one last still', '-date', 'a c e b d'],
    ['by several keys', 'status,-date', 'e b a c d'],
    ['by several keys, the first the other way round', '-status,date', 'a c d b e'],
    ['by number, not by text', 'value-quantity', 'c b a d e'],
    ['by text, without regard to case and accents', 'value-string', 'c d e a b'],
    ['by id', '-_id', 'e d c b a'],
    ['what is alike stays as it came', 'status', 'b e a c d'],
    ['what nothing has leaves them as they came', 'method,-category', 'a b c d e'],
    ['of a name that is no parameter nothing is said', 'constructor,__proto__', 'a b c d e'],
  ];
  for (const [sentence, sort, expected] of cases)
    t.equal(sorted(sort, resources).join(' '), expected, `${sentence}: ${sort}`);
  const seen = (id: string, ...individuals: readonly string[]): Resource => ({
    resourceType: 'Encounter',
    id,
    participant: individuals.map((reference) => ({ individual: { reference } })),
  });
  const visits = [
    seen('y', 'Practitioner/2', 'PractitionerRole/1'),
    seen('x', 'Practitioner/1', 'Practitioner/3'),
    seen('z', 'PractitionerRole/0'),
  ];
  t.equal(sorted('practitioner', visits).join(' '), 'x y z', 'of several values the first counts');
  t.equal(
    sorted('-practitioner', visits).join(' '),
    'x y z',
    'the other way round the last; those of other types never',
  );
});
