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
    subject: { reference: 'Patient/p', identifier: MOTHER },
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
