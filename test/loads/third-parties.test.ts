import t from 'tap';
import { withoutThirdParties } from '../../src/loads/third-parties.ts';

const SOMEBODY = { display: 'A person who is not named here' };
const MOTHER = { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' };

t.test('the record of one person names no other as a patient', async (t) => {
  const rows: readonly (readonly [string, object, object])[] = [
    [
      'by another literal',
      { focus: [{ reference: 'Patient/mother', display: 'Mother' }] },
      { focus: [SOMEBODY] },
    ],
    [
      'by an absolute literal',
      { focus: { reference: 'https://x.example/Patient/mother/_history/1', display: 'M' } },
      { focus: SOMEBODY },
    ],
    [
      'by an absolute literal of the same id elsewhere',
      { focus: { reference: 'https://x.example/Patient/p' } },
      { focus: SOMEBODY },
    ],
    ['by number alone', { informant: { identifier: MOTHER, display: 'M' } }, { informant: SOMEBODY }],
    [
      'by a local number beside the literal',
      { focus: { reference: 'Patient/m', identifier: { system: 'urn:h', value: '7' } } },
      { focus: SOMEBODY },
    ],
    [
      'by a question',
      { focus: { reference: `Patient?identifier=${MOTHER.system}|${MOTHER.value}`, display: 'M' } },
      { focus: SOMEBODY },
    ],
    [
      'by a question elsewhere',
      { focus: { reference: 'https://x.example/Patient?name=M' } },
      { focus: SOMEBODY },
    ],
    [
      'by a local number and the type',
      { focus: { type: 'Patient', identifier: { system: 'urn:mrn', value: '7' }, display: 'M' } },
      { focus: SOMEBODY },
    ],
    ['by type and name', { focus: { type: 'Person', display: 'M' } }, { focus: SOMEBODY }],
    [
      'by a type’s address',
      { focus: { type: 'http://hl7.org/fhir/StructureDefinition/Patient', display: 'M' } },
      { focus: SOMEBODY },
    ],
    [
      'by a literal that does not say what it leads to',
      { focus: { reference: 'urn:uuid:0d7f3f2e-9d8e-4a10-8f4e-0a3d5c9f1b22', display: 'M' } },
      { focus: SOMEBODY },
    ],
    [
      'by a Patient that claims another type',
      { focus: { reference: 'Patient/m', type: 'Practitioner', display: 'M' } },
      { focus: SOMEBODY },
    ],
    [
      'by a number in an extension',
      {
        extension: [
          { url: 'u', valueIdentifier: MOTHER },
          { url: 'v', valueString: 's' },
        ],
      },
      { extension: [{ url: 'v', valueString: 's' }] },
    ],
    [
      'by a number in an extension inside an extension',
      { extension: [{ url: 'u', extension: [{ url: 'w', valueIdentifier: MOTHER }] }] },
      {},
    ],
    [
      'by a number among the identifiers',
      { identifier: [MOTHER, { system: 'urn:x', value: '1' }] },
      { identifier: [{ system: 'urn:x', value: '1' }] },
    ],
    [
      'by the number of an older system',
      { identifier: [{ system: 'urn:oid:2.16.840.1.113883.2.1.4.1', value: MOTHER.value }] },
      {},
    ],
    [
      'by the number of a contained RelatedPerson',
      { contained: [{ resourceType: 'RelatedPerson', id: 'r', identifier: [MOTHER] }] },
      { contained: [{ resourceType: 'RelatedPerson', id: 'r' }] },
    ],
    [
      'in an extension',
      { extension: [{ url: 'u', valueReference: { reference: 'Patient/m' } }] },
      { extension: [{ url: 'u', valueReference: SOMEBODY }] },
    ],
    [
      'contained',
      { contained: [{ resourceType: 'Patient', id: 'x' }], focus: { reference: '#x', display: 'M' } },
      { focus: SOMEBODY },
    ],
  ];
  for (const [how, row, kept] of rows) {
    const subject = { reference: 'Patient/p', display: 'Own' };
    t.strictSame(
      withoutThirdParties({ resourceType: 'Observation', subject, ...row }, 'p'),
      { resourceType: 'Observation', subject, ...kept },
      how,
    );
  }
});

t.test('what names the person, staff and organisations stays, as the very same object', async (t) => {
  const row = {
    resourceType: 'Observation',
    subject: { reference: 'Patient/p', type: 'Patient', display: 'Own' },
    encounter: { reference: 'https://x.example/Encounter/7', display: 'Ward' },
    basedOn: [{ reference: 'urn:uuid:0d7f3f2e-9d8e-4a10-8f4e-0a3d5c9f1b22', type: 'ServiceRequest' }],
    partOf: [{ reference: 'Procedure?identifier=urn:x|1', display: 'Scan' }],
    performer: [
      {
        reference: 'Practitioner/a',
        identifier: { system: 'https://fhir.hl7.org.uk/Id/gmc-number', value: '1' },
      },
    ],
    contained: [{ resourceType: 'Practitioner', id: 'y', identifier: [{ system: 'urn:x', value: '1' }] }],
  };
  t.equal(withoutThirdParties(row, 'p'), row);
  t.strictSame(withoutThirdParties(row, undefined).subject, SOMEBODY, 'a row about nobody names no patient');
});

t.test('an NHS number stands in the identifiers of the row’s own Patient and nowhere else', async (t) => {
  const identifier = [MOTHER, { system: 'urn:x', value: '1' }];
  const own = { resourceType: 'Patient', id: 'p', identifier };
  t.equal(withoutThirdParties(own, 'p'), own);
  t.strictSame(withoutThirdParties({ ...own, extension: [{ url: 'u', valueIdentifier: MOTHER }] }, 'p'), own);
  const named = { resourceType: 'Observation', subject: { reference: 'Patient/p', identifier: MOTHER } };
  t.strictSame(withoutThirdParties(named, 'p').subject, { reference: 'Patient/p' });
  const relative = { resourceType: 'RelatedPerson', identifier, patient: { reference: 'Patient/p' } };
  t.strictSame(withoutThirdParties(relative, 'p').identifier, [{ system: 'urn:x', value: '1' }]);
});
