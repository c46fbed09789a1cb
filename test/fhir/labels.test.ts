import t from 'tap';
import { isRestrictedLabel } from '../../src/fhir/labels.ts';

const DEGREES = [
  'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
  'https://terminology.hl7.org/CodeSystem/v3-Confidentiality',
  'http://terminology.hl7.org/CodeSystem/v3-Confidentiality/',
  'http://terminology.hl7.org/CodeSystem/v3-Confidentiality|2.0.0',
  'http://hl7.org/fhir/v3/Confidentiality',
  'https://hl7.org/fhir/v3/Confidentiality',
  'urn:oid:2.16.840.1.113883.5.25',
  'https://partner.example/CodeSystem/confidentiality',
];
const OTHERS = [
  'https://partner.example/labels',
  'http://terminology.hl7.org/CodeSystem/v3-ActCode',
  'x',
  '',
];

t.test('R and V restrict under any system', async (t) => {
  for (const system of [...DEGREES, ...OTHERS])
    for (const code of ['R', 'V']) t.ok(isRestrictedLabel(`${system}|${code}`), `${system}|${code}`);
  t.ok(isRestrictedLabel('R'), 'without a bar');
});

t.test('of the degrees of confidentiality only those known to be open do not restrict', async (t) => {
  for (const system of DEGREES) {
    for (const code of ['U', 'L', 'M', 'N'])
      t.notOk(isRestrictedLabel(`${system}|${code}`), `${system}|${code}`);
    for (const code of ['', 'X', 'n', 'r']) t.ok(isRestrictedLabel(`${system}|${code}`), `${system}|${code}`);
  }
});

t.test('of other systems nothing else restricts, but a label that says nothing does', async (t) => {
  for (const system of OTHERS)
    for (const code of ['N', 'NOPAT', 'PSY'])
      t.notOk(isRestrictedLabel(`${system}|${code}`), `${system}|${code}`);
  t.notOk(isRestrictedLabel('https://partner.example/labels|'));
  t.notOk(isRestrictedLabel('urn:oid:2.16.840.1.113883.5.250|X'));
  t.ok(isRestrictedLabel('|'));
});
