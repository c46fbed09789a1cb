import fc from 'fast-check';
import t from 'tap';
import { elementName, isCheckedType, isResourceType } from '../../src/fhir/r4.ts';
import { SERVED_NAMES } from '../../src/fhir/served.ts';
import { validateStructure } from '../../src/fhir/structure.ts';

type Json = Record<string, unknown>;

const OBSERVATION = {
  resourceType: 'Observation',
  id: 'o1',
  status: 'final',
  code: { coding: [{ system: 'http://snomed.info/sct', code: '75367002', display: 'Blood pressure' }] },
  subject: { reference: 'Patient/p1' },
  effectiveDateTime: '2026-11-22T09:30:00Z',
  valueQuantity: { value: 120, unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
};
const PATIENT = { resourceType: 'Patient', id: 'p1', gender: 'female', birthDate: '2014-06-02' };
const MEDICATION_REQUEST = {
  resourceType: 'MedicationRequest',
  status: 'active',
  intent: 'order',
  medicationCodeableConcept: { text: 'Salbutamol' },
  subject: { reference: 'Patient/p1' },
};

function faultsOf(resource: unknown): string[] {
  return validateStructure(resource).map(({ element, rule }) => `${element} ${rule}`);
}

t.test('every served type and envelope has a structure of its own', async (t) => {
  for (const type of [...SERVED_NAMES, 'Bundle', 'OperationOutcome', 'Parameters']) {
    t.ok(isCheckedType(type), type);
    t.ok(isResourceType(type), type);
    t.same(
      faultsOf({ resourceType: type, nonsense: 1 }).includes(`${type}.nonsense unknown-element`),
      true,
      `${type} refuses an element that it does not have`,
    );
  }
});

t.test('valid resources have no faults', async (t) => {
  const valid: readonly Json[] = [
    OBSERVATION,
    PATIENT,
    MEDICATION_REQUEST,
    { ...PATIENT, birthDate: '2024-02-29' },
    { ...PATIENT, name: [{ given: [null, 'Mina'], _given: [{ extension: [{ url: 'urn:x' }] }, null] }] },
    { ...PATIENT, _birthDate: { id: 'b1' } },
    { ...PATIENT, _gender: {} },
    { ...PATIENT, name: [{ family: 'O\u00a0Neill \u{1f600}' }] },
    { ...OBSERVATION, status: undefined, _status: { extension: [{ url: 'urn:x', valueCode: 'unknown' }] } },
    { ...OBSERVATION, contained: [{ resourceType: 'Specimen', id: 's', anything: { goes: [] } }] },
    { ...OBSERVATION, contained: [{ resourceType: 'Practitioner', id: 's', gender: 'other' }] },
    { ...OBSERVATION, issued: '2026-11-22T09:30:00.123+01:00' },
    { resourceType: 'Binary', contentType: 'text/plain', data: 'aGVs\nbG8=' },
    { resourceType: 'Bundle', type: 'searchset', entry: [{ resource: PATIENT }] },
    {
      resourceType: 'Condition',
      subject: { reference: 'Patient/p1' },
      clinicalStatus: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'remission' }],
      },
    },
  ];
  for (const resource of valid)
    t.same(faultsOf(JSON.parse(JSON.stringify(resource))), [], JSON.stringify(resource));
});

t.test('each rule refuses what it is for, and names the element', async (t) => {
  const cases: readonly (readonly [unknown, string])[] = [
    [null, ' type:object'],
    [[PATIENT], ' type:object'],
    ['Patient', ' type:object'],
    [{}, 'resourceType resource-type'],
    [{ resourceType: 7 }, 'resourceType resource-type'],
    [{ resourceType: 'Questionnaire' }, 'resourceType resource-type'],
    [{ resourceType: 'constructor' }, 'resourceType resource-type'],
    [{ resourceType: 'HumanName' }, 'resourceType resource-type'],
    [{ ...PATIENT, gender: 'banana' }, 'Patient.gender code'],
    [{ ...PATIENT, gender: 'Female' }, 'Patient.gender code'],
    [{ ...PATIENT, contact: [{ gender: 'x' }] }, 'Patient.contact[0].gender code'],
    [{ ...PATIENT, name: [{ given: 'Mina' }] }, 'Patient.name[0].given type:array'],
    [{ ...PATIENT, name: [{ given: ['Mina', ''] }] }, 'Patient.name[0].given[1] format:string'],
    [{ ...PATIENT, name: [{ given: ['Mina', null] }] }, 'Patient.name[0].given null'],
    [{ ...PATIENT, name: [{ given: [7] }] }, 'Patient.name[0].given[0] type:string'],
    [{ ...PATIENT, name: [] }, 'Patient.name empty'],
    [{ ...PATIENT, name: [{}] }, 'Patient.name[0] empty'],
    [{ ...PATIENT, name: [{ id: 'n' }] }, 'Patient.name[0] empty'],
    [{ ...PATIENT, active: 'true' }, 'Patient.active type:boolean'],
    [{ ...PATIENT, active: null }, 'Patient.active type:boolean'],
    [{ ...PATIENT, id: 'a_b' }, 'Patient.id format:id'],
    [{ ...PATIENT, id: '' }, 'Patient.id format:id'],
    [{ ...PATIENT, id: 'a'.repeat(65) }, 'Patient.id format:id'],
    [{ ...PATIENT, id: 'a\n' }, 'Patient.id format:id'],
    [{ ...PATIENT, deceasedBoolean: true, deceasedDateTime: '2026' }, 'Patient.deceased choice'],
    [{ ...PATIENT, deceasedBoolean: true, _deceasedDateTime: { id: 'x' } }, 'Patient.deceased choice'],
    [{ ...PATIENT, extension: [{ valueString: 'x' }] }, 'Patient.extension[0].url required'],
    [{ ...PATIENT, meta: { lastUpdated: '2026-11-22' } }, 'Patient.meta.lastUpdated format:instant'],
    [{ ...PATIENT, meta: { project: 'x' } }, 'Patient.meta.project unknown-element'],
    [{ ...PATIENT, multipleBirthInteger: 1.5 }, 'Patient.multipleBirth type:integer'],
    [{ ...PATIENT, telecom: [{ rank: 0 }] }, 'Patient.telecom[0].rank range'],
    [{ ...PATIENT, '9990000018': 1 }, 'Patient.? unknown-element'],
    [JSON.parse('{"resourceType":"Patient","__proto__":{"a":1}}'), 'Patient.? unknown-element'],
    [{ ...OBSERVATION, status: undefined }, 'Observation.status required'],
    [{ ...OBSERVATION, status: undefined, _status: {} }, 'Observation.status required'],
    [{ ...OBSERVATION, status: 'done' }, 'Observation.status code'],
    [{ ...OBSERVATION, code: undefined }, 'Observation.code required'],
    [{ ...OBSERVATION, code: {} }, 'Observation.code empty'],
    [{ ...OBSERVATION, valueString: 'x' }, 'Observation.value choice'],
    [{ ...OBSERVATION, valueQuantity: { value: '120' } }, 'Observation.value.value type:number'],
    [{ ...OBSERVATION, contained: [{ resourceType: 'Nonsense' }] }, 'Observation.contained[0] resource-type'],
    [{ ...OBSERVATION, contained: [{ id: 'x' }] }, 'Observation.contained[0] resource-type'],
    [{ ...OBSERVATION, contained: [{ ...PATIENT, gender: 'x' }] }, 'Observation.contained[0].gender code'],
    [{ ...MEDICATION_REQUEST, status: 'banana' }, 'MedicationRequest.status code'],
    [{ ...MEDICATION_REQUEST, intent: 'banana' }, 'MedicationRequest.intent code'],
    [
      { ...MEDICATION_REQUEST, medicationCodeableConcept: undefined },
      'MedicationRequest.medication required',
    ],
    [{ resourceType: 'AllergyIntolerance' }, 'AllergyIntolerance.patient required'],
    [
      { resourceType: 'Condition', subject: { display: 'x' }, clinicalStatus: { text: 'active' } },
      'Condition.clinicalStatus code',
    ],
    [{ resourceType: 'Binary', contentType: 'text/plain', data: 'abc' }, 'Binary.data format:base64Binary'],
    [
      { resourceType: 'Bundle', type: 'searchset', entry: [{ resource: { ...PATIENT, gender: 'x' } }] },
      'Bundle.entry[0].resource.gender code',
    ],
  ];
  for (const [resource, expected] of cases) {
    const sent: unknown = resource === null ? null : JSON.parse(JSON.stringify(resource));
    t.ok(faultsOf(sent).includes(expected), `${expected} in ${faultsOf(sent).join(', ')}`);
  }
});

t.test('dates, times and instants are of the calendar and have a zone where they have a time', async (t) => {
  const dates: readonly (readonly [string, boolean])[] = [
    ['2024', true],
    ['2024-02', true],
    ['2024-02-29', true],
    ['2023-02-29', false],
    ['2024-02-30', false],
    ['1900-02-29', false],
    ['2000-02-29', true],
    ['2024-04-31', false],
    ['2024-13-01', false],
    ['2024-00', false],
    ['0000', false],
    ['20240229', false],
    ['2024-2-9', false],
    ['+275760-01-01', false],
    ['2024-02-29T10:00:00Z', true],
    ['2024-02-29T10:00:00+01:00', true],
    ['2024-02-29T10:00:00.5-14:00', true],
    ['2024-02-29T23:59:60Z', true],
    ['2024-02-29T10:00:00', false],
    ['2024-02-29T10:00Z', false],
    ['2024-02-29T24:00:00Z', false],
    ['2024-02-29T10:00:00+14:01', false],
    ['2024-02-29T10:00:00+0100', false],
    ['2024-02-30T10:00:00Z', false],
    ['2024-02-29 10:00:00Z', false],
    ['2024-02-29T10:00:00Z\n', false],
  ];
  for (const [text, right] of dates) {
    t.equal(faultsOf({ ...OBSERVATION, effectiveDateTime: text }).length === 0, right, JSON.stringify(text));
  }
});

t.test('primitives accept and refuse as the specification says', async (t) => {
  const inExtension = (member: string, value: unknown) => ({
    ...PATIENT,
    extension: [{ url: 'urn:x', [member]: value }],
  });
  const cases: readonly (readonly [string, unknown, boolean])[] = [
    ['valueString', ' x ', true],
    ['valueString', ' \t\n', false],
    ['valueString', '\u00a0', false],
    ['valueString', 'a\u0000b', false],
    ['valueString', 'a\ud800b', false],
    ['valueString', 'a\udc00', false],
    ['valueString', 'x'.repeat(1024 * 1024 + 1), false],
    ['valueCode', 'a b', true],
    ['valueCode', 'a  b', false],
    ['valueCode', ' a', false],
    ['valueCode', 'a ', false],
    ['valueUri', 'urn:x', true],
    ['valueUri', 'a b', false],
    ['valueUri', '', false],
    ['valueOid', 'urn:oid:1.2.3', true],
    ['valueOid', '1.2.3', false],
    ['valueUuid', 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520', true],
    ['valueUuid', 'urn:uuid:C757873D', false],
    ['valueTime', '23:59:59.5', true],
    ['valueTime', '24:00:00', false],
    ['valueBase64Binary', 'aGVsbG8=', true],
    ['valueBase64Binary', 'aGVsbG8', false],
    ['valueBase64Binary', 'aG=sbG8=', false],
    ['valueBase64Binary', '====', false],
    ['valueBase64Binary', ' ', false],
    ['valueInteger', -2147483648, true],
    ['valueInteger', 2147483648, false],
    ['valueUnsignedInt', -1, false],
    ['valuePositiveInt', 0, false],
    ['valueDecimal', 1e-7, true],
    ['valueDecimal', '1', false],
    ['valueInstant', '2024-02-29', false],
  ];
  for (const [member, value, right] of cases) {
    const shown = JSON.stringify(value).slice(0, 40);
    t.equal(faultsOf(inExtension(member, value)).length === 0, right, `${member} ${shown}`);
  }
});

t.test('hostile shapes are refused in bounded time and memory', async (t) => {
  const nest = (depth: number): Json => {
    let extension: Json = { url: 'urn:x', valueString: 'x' };
    for (let i = 0; i < depth; i++) extension = { url: 'urn:x', extension: [extension] };
    return { ...PATIENT, extension: [extension] };
  };
  t.same(faultsOf(nest(10)), []);
  t.same(faultsOf(nest(9_000)), ['Patient depth'], 'attack catalogue I-03');
  const deepArray: unknown = JSON.parse(`${'['.repeat(9_000)}${']'.repeat(9_000)}`);
  t.same(faultsOf({ ...PATIENT, name: deepArray }), ['Patient depth']);
  const letters = (number: number): string =>
    String(number).replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? '');
  const many = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, index) => [`x${letters(index)}`, index]),
  );
  t.equal(validateStructure({ ...PATIENT, ...many }).length, 1, 'a huge row is told its first fault only');
  const some = Object.fromEntries(
    Array.from({ length: 26 }, (_, i) => [`x${String.fromCharCode(97 + i)}`, i]),
  );
  t.equal(validateStructure({ ...PATIENT, ...some }).length, 10, 'no more than ten faults');
  const spaces = `${'aaaa '.repeat(50_000)}!`;
  t.same(faultsOf({ resourceType: 'Binary', contentType: 'a/b', data: spaces }), [
    'Binary.data format:base64Binary',
  ]);
  t.same(faultsOf({ ...PATIENT, language: `${'a '.repeat(200_000)} ` }), ['Patient.language format:code']);
});

t.test('it answers for any JSON, and never throws', async () => {
  const types = fc.constantFrom(...SERVED_NAMES, 'Bundle', 'Parameters', 'Nonsense');
  fc.assert(
    fc.property(types, fc.jsonValue({ maxDepth: 6 }), fc.string(), (resourceType, value, name) => {
      const faults = validateStructure({ resourceType, ...(value as object), [name]: value });
      return (
        faults.length <= 10 && faults.every((fault) => fault.rule !== '' && !/\d{3}/.test(fault.element))
      );
    }),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.anything(), (value) => validateStructure(value).length > 0));
});

t.test('a JSON member leads back to its FHIRPath name', async (t) => {
  t.equal(elementName('valueQuantity'), 'value');
  t.equal(elementName('_birthDate'), 'birthDate');
  t.equal(elementName('medicationReference'), 'medication');
  t.equal(elementName('valueSet'), 'valueSet');
});
