import { setTimeout } from 'node:timers/promises';
import type { Composition, Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { referencesIn } from '../../src/fhir/references.ts';
import { isServed } from '../../src/fhir/served.ts';
import type { SummaryParts } from '../../src/record/summary/document.ts';
import type { SummaryRow } from '../../src/record/summary/rows.ts';
import { Oracle } from '../real/oracle.ts';
import { type Json, PublishedFiles, readVerdicts, sharedData } from '../real/shared-data.ts';
import { personIds } from '../support/hard-case-people.ts';
import { type TestService, testService } from '../support/service.ts';
import { BASE, type Document, documentOf, PATIENT, partsOf, rowOf, source } from '../support/summaries.ts';
import { seen, xhtmlFaults } from '../support/xhtml.ts';

const oracle = new Oracle();
const subject = { reference: `Patient/${PATIENT.id}` };
const said = (text: string) => ({ text });
const state = (code: string) => ({ coding: [{ system: 'http://example.org/any', code }] });
const TITLES = [
  'Problems',
  'Allergies and intolerances',
  'Current medicines',
  'Alerts',
  'Immunisations',
  'Results',
  'Procedures',
  'Vital signs',
  'Social history',
  'Past problems',
  'Plan of care',
  'Care team and services',
];

function observation(id: string, category: string, more: object = {}): object {
  return {
    resourceType: 'Observation',
    id,
    status: 'final',
    category: [state(category)],
    code: said(id),
    subject,
    ...more,
  };
}

function condition(more: object): object {
  return { resourceType: 'Condition', id: 'one', code: said('Gout'), subject, ...more };
}

function allergy(more: object): object {
  return {
    resourceType: 'AllergyIntolerance',
    id: 'one',
    code: said('Penicillin'),
    patient: subject,
    ...more,
  };
}

function request(more: object): object {
  return {
    resourceType: 'MedicationRequest',
    id: 'one',
    intent: 'order',
    medicationCodeableConcept: said('Salbutamol'),
    subject,
    ...more,
  };
}

const statement = (status: string): object => ({
  ...request({ status }),
  resourceType: 'MedicationStatement',
});
const other = (resourceType: string, more: object): object => ({ resourceType, id: 'one', subject, ...more });

/** A resource, and the section it belongs in; undefined: in none. */
const RULES: readonly (readonly [object, string | undefined])[] = [
  [condition({}), 'Problems'],
  [condition({ clinicalStatus: state('active') }), 'Problems'],
  [condition({ clinicalStatus: state('recurrence') }), 'Problems'],
  [condition({ clinicalStatus: state('relapse') }), 'Problems'],
  [condition({ verificationStatus: state('provisional') }), 'Problems'],
  [condition({ clinicalStatus: state('inactive') }), 'Past problems'],
  [condition({ clinicalStatus: state('remission') }), 'Past problems'],
  [condition({ clinicalStatus: state('resolved') }), 'Past problems'],
  [condition({ verificationStatus: state('entered-in-error') }), undefined],
  [condition({ clinicalStatus: state('active'), verificationStatus: state('refuted') }), undefined],
  [condition({ clinicalStatus: state('resolved'), verificationStatus: state('refuted') }), undefined],
  [allergy({}), 'Allergies and intolerances'],
  [allergy({ clinicalStatus: state('resolved') }), 'Allergies and intolerances'],
  [allergy({ verificationStatus: state('unconfirmed') }), 'Allergies and intolerances'],
  [allergy({ verificationStatus: state('refuted') }), undefined],
  [allergy({ verificationStatus: state('entered-in-error') }), undefined],
  ...['active', 'on-hold', 'unknown'].map((status) => [request({ status }), 'Current medicines'] as const),
  ...['completed', 'stopped', 'cancelled', 'draft', 'entered-in-error'].map(
    (status) => [request({ status }), undefined] as const,
  ),
  ...['active', 'intended', 'on-hold', 'unknown'].map(
    (status) => [statement(status), 'Current medicines'] as const,
  ),
  ...['completed', 'stopped', 'not-taken', 'entered-in-error'].map(
    (status) => [statement(status), undefined] as const,
  ),
  [other('Immunization', { status: 'completed' }), 'Immunisations'],
  [other('Immunization', { status: 'not-done' }), undefined],
  [other('Immunization', { status: 'entered-in-error' }), undefined],
  [observation('one', 'laboratory'), 'Results'],
  [observation('one', 'imaging'), 'Results'],
  [observation('one', 'vital-signs'), 'Vital signs'],
  [observation('one', 'social-history'), 'Social history'],
  [observation('one', 'survey'), undefined],
  [observation('one', 'laboratory', { category: undefined }), undefined],
  [
    observation('one', 'laboratory', { category: [state('laboratory'), state('vital-signs')] }),
    'Vital signs',
  ],
  ...['laboratory', 'vital-signs', 'social-history'].flatMap((category) =>
    ['entered-in-error', 'cancelled', 'registered'].map(
      (status) => [observation('one', category, { status }), undefined] as const,
    ),
  ),
  [observation('one', 'laboratory', { status: 'preliminary' }), 'Results'],
  [other('DiagnosticReport', { status: 'final' }), 'Results'],
  [other('DiagnosticReport', { status: 'registered' }), undefined],
  [other('DiagnosticReport', { status: 'entered-in-error' }), undefined],
  [other('Procedure', { status: 'completed' }), 'Procedures'],
  [other('Procedure', { status: 'stopped' }), 'Procedures'],
  [other('Procedure', { status: 'not-done' }), undefined],
  [other('Procedure', { status: 'preparation' }), undefined],
  [other('Procedure', { status: 'entered-in-error' }), undefined],
  [other('CarePlan', { status: 'active', intent: 'plan' }), 'Plan of care'],
  [other('CarePlan', { status: 'on-hold', intent: 'plan' }), 'Plan of care'],
  ...['draft', 'revoked', 'completed', 'entered-in-error'].map(
    (status) => [other('CarePlan', { status, intent: 'plan' }), undefined] as const,
  ),
  [other('CareTeam', {}), 'Care team and services'],
  [other('CareTeam', { status: 'active' }), 'Care team and services'],
  [other('CareTeam', { status: 'inactive' }), undefined],
  [other('CareTeam', { status: 'proposed' }), undefined],
  [other('CareTeam', { status: 'entered-in-error' }), undefined],
  [other('EpisodeOfCare', { status: 'active' }), 'Care team and services'],
  [other('EpisodeOfCare', { status: 'finished' }), undefined],
  [other('EpisodeOfCare', { status: 'cancelled' }), undefined],
  [other('Flag', { status: 'active' }), 'Alerts'],
  [other('Flag', { status: 'inactive' }), undefined],
  [other('Flag', { status: 'entered-in-error' }), undefined],
  ...[
    'Encounter',
    'Appointment',
    'DocumentReference',
    'ServiceRequest',
    'Task',
    'Provenance',
    'RelatedPerson',
    'Medication',
    'Consent',
  ].map((type) => [other(type, { status: 'active' }), undefined] as const),
];

t.test('a row is in the section of its kind, or in none', async (t) => {
  for (const [resource, section] of RULES) {
    const document = documentOf(partsOf([resource]));
    const { type, id } = rowOf(resource);
    const found = TITLES.filter((title) => document.listed(title).includes(`${type}/${id}`));
    t.strictSame(found, section === undefined ? [] : [section], JSON.stringify(resource));
    t.equal(document.entries.includes(`${type}/${id}`), section !== undefined);
    t.strictSame(document.included, document.entries, 'the manifest names what is in it');
  }
});

/** Rules that hold for every document. */
function meetsRules(t: Test, { bundle, composition, entries, included, text }: Document, of: string): void {
  const urls = (bundle.entry ?? []).map((entry) => entry.fullUrl ?? '');
  t.equal(bundle.type, 'document', `${of}: a document`);
  t.ok(bundle.identifier?.system && bundle.identifier.value && bundle.timestamp, `${of}: bdl-9, bdl-10`);
  t.equal(urls.length, new Set(urls).size, `${of}: nothing is in it twice`);
  t.equal(entries[0], composition.subject?.reference, `${of}: the Patient is second`);
  t.strictSame(included, entries, `${of}: the manifest names what is in it`);
  t.equal(
    bundle.entry?.filter((each) => each.resource?.resourceType === 'Composition').length,
    1,
    'bdl-ips-1',
  );
  t.notMatch(text, /"(?:code|status)":"entered-in-error"/, `${of}: nothing that was entered in error`);
  const resources = new Map((bundle.entry ?? []).map((each) => [each.fullUrl ?? '', each.resource]));
  for (const { local } of referencesIn(composition)) {
    if (local !== undefined)
      t.ok(resources.has(`${root(bundle.entry?.[0]?.fullUrl)}/${local.type}/${local.id}`), of);
  }
  const reached = new Set<string>();
  const pending = [urls[0] ?? ''];
  for (let url = pending.pop(); url !== undefined; url = pending.pop()) {
    const resource: Resource | undefined = resources.get(url);
    if (resource === undefined || reached.has(url)) continue;
    reached.add(url);
    for (const { local } of referencesIn(resource)) {
      if (local !== undefined) pending.push(`${root(urls[0])}/${local.type}/${local.id}`);
    }
  }
  t.equal(reached.size, urls.length, `${of}: every entry can be reached from the Composition`);
  for (const div of divs(composition)) t.strictSame(xhtmlFaults(div), [], `${of}: the narrative is XHTML`);
  for (const section of composition.section ?? []) {
    const sources = section.title === 'Sources of this summary';
    t.equal(
      section.entry === undefined && !sources,
      section.emptyReason !== undefined,
      `${of}: ${section.title}`,
    );
  }
  t.notMatch(JSON.stringify(composition), /nilknown/);
}

function root(url: string | undefined): string {
  return (url ?? '').split('/').slice(0, -2).join('/');
}

function divs({ text, section }: Composition): readonly string[] {
  return [text, ...(section ?? []).map((each) => each.text)].map((each) => each?.div ?? '');
}

t.test('the document', async (t) => {
  const everything = [
    condition({ id: 'c1', encounter: { reference: 'Encounter/e1' }, onsetDateTime: '2024-05-01' }),
    condition({ id: 'c2', clinicalStatus: state('resolved'), abatementDateTime: '2025' }),
    condition({ id: 'c3', verificationStatus: state('entered-in-error') }),
    allergy({ id: 'a1', reaction: [{ manifestation: [said('Rash')], severity: 'mild' }] }),
    { resourceType: 'Medication', id: 'm1', code: said('Ramipril') },
    request({
      id: 'r1',
      status: 'active',
      medicationCodeableConcept: undefined,
      medicationReference: { reference: 'Medication/m1' },
      requester: { reference: 'Practitioner/elsewhere', display: 'A doctor' },
      dosageInstruction: [said('One a day')],
    }),
    {
      resourceType: 'Encounter',
      id: 'e1',
      status: 'finished',
      class: { code: 'AMB' },
      subject,
      partOf: { reference: 'Encounter/e2/_history/3' },
    },
    {
      resourceType: 'Encounter',
      id: 'e2',
      status: 'finished',
      class: { code: 'AMB' },
      subject,
      partOf: { reference: 'Encounter/e1' },
    },
    { resourceType: 'Encounter', id: 'e3', status: 'finished', class: { code: 'AMB' }, subject },
    observation('o1', 'laboratory', { valueQuantity: { value: 5.5, unit: 'mmol/L' } }),
    observation('o2', 'laboratory', { status: 'entered-in-error' }),
    observation('o3', 'laboratory', { valueString: 'alone' }),
    other('DiagnosticReport', {
      id: 'd1',
      status: 'final',
      code: said('Blood'),
      conclusion: 'As expected',
      effectiveDateTime: '2026-01-02T10:00:00Z',
      result: ['o1', 'o2', 'unseen'].map((id) => ({ reference: `Observation/${id}` })),
    }),
    { resourceType: 'Patient', id: 'another' },
  ];
  const document = documentOf(partsOf([...everything, everything[0] ?? {}]));

  t.test('keeps the rules of documents', async (t) => meetsRules(t, document, 'everything'));

  t.test('is valid R4, as another project understands it', async (t) => {
    t.strictSame(oracle.faults(JSON.parse(document.text) as Json), []);
  });

  t.test('brings what the listed rows refer to, through others too, and nothing else', async (t) => {
    t.strictSame(document.entries, [
      'Patient/person-1',
      'Condition/c1',
      'AllergyIntolerance/a1',
      'MedicationRequest/r1',
      'DiagnosticReport/d1',
      'Observation/o3',
      'Condition/c2',
      'Encounter/e1',
      'Medication/m1',
      'Observation/o1',
      'Encounter/e2',
    ]);
    t.match(document.text, '"Practitioner/elsewhere"', 'a reference to a directory stays as it is');
  });

  t.test('shows a result once: in the report that gathers it', async (t) => {
    t.strictSame(document.listed('Results'), ['DiagnosticReport/d1', 'Observation/o3']);
    t.match(seen(document.div('Results')), 'Blood o1: 5.5 mmol/L As expected 2026-01-02 10:00');
  });

  t.test('is named, dated and signed as IPS wants', async (t) => {
    const { composition, bundle } = document;
    t.strictSame(composition.type.coding?.[0]?.code, '60591-5');
    t.equal(composition.status, 'final');
    t.equal(composition.confidentiality, 'N');
    t.equal(composition.date, '2026-11-22T14:05:00.000Z');
    t.equal(composition.author[0]?.display, 'My Care Record');
    t.notOk(composition.author[0]?.reference, 'the author is named, not referred to');
    t.equal(composition.event?.[0]?.code?.[0]?.coding?.[0]?.code, 'PCPR');
    t.strictSame(
      composition.section?.map((section) => section.code?.coding?.[0]?.code),
      [
        '11450-4',
        '48765-2',
        '10160-0',
        '104605-1',
        '11369-6',
        '30954-2',
        '47519-4',
        '8716-3',
        '29762-2',
        '11348-0',
        '18776-5',
        '85847-2',
        undefined,
      ],
    );
    t.strictSame(bundle.meta?.profile, ['http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips']);
    t.strictSame(composition.meta?.profile, [
      'http://hl7.org/fhir/uv/ips/StructureDefinition/Composition-uv-ips',
    ]);
    t.equal(bundle.entry?.[1]?.fullUrl, `${BASE}/Patient/person-1`);
  });

  t.test('claims IPS only where the Patient has what IPS requires', async (t) => {
    const { birthDate, ...unborn } = PATIENT;
    const { name, ...nameless } = PATIENT;
    for (const patient of [
      unborn,
      nameless,
      { ...PATIENT, name: [{ use: 'official' }] },
      { ...PATIENT, name: [{ text: 'x' }, {}] },
    ]) {
      const { bundle, composition } = documentOf(partsOf([], { patient: rowOf(patient) }));
      t.notOk(bundle.meta);
      t.notOk(composition.meta);
    }
  });

  t.test('is the same for the same rows, clock and numbers', async (t) => {
    t.equal(documentOf(partsOf(everything)).text, documentOf(partsOf(everything)).text);
  });
});

t.test('texts go in as they are kept, and decimals are shown with their digits', async (t) => {
  const body =
    '{"resourceType":"Observation","id":"o1","status":"final","category":[{"coding":[{"code":"laboratory"}]}],' +
    '"code":{"text":"HbA1c"}, "valueQuantity":{"value":7.10,"comparator":"<","unit":"%"},"component":[{"code":{"text":"C"},"valueQuantity":{"value":1.0e2}}]}';
  const row: SummaryRow = { type: 'Observation', id: 'o1', body };
  const document = documentOf({ ...partsOf([]), rows: [row] });
  t.match(document.text, `"resource":${body}}`, 'byte for byte');
  t.match(seen(document.div('Results')), '<7.10 %');
  t.match(seen(document.div('Results')), 'C: 1.0e2');
});

t.test('a summary is bounded, newest first, and says what it left out', async (t) => {
  const many = (category: string) =>
    Array.from({ length: 60 }, (_, n) =>
      observation(`${category}-${String(n).padStart(2, '0')}`, category, {
        ...(n === 30 ? {} : { effectiveDateTime: new Date(Date.UTC(2020, 0, n + 1, 9)).toISOString() }),
      }),
    );
  const document = documentOf(partsOf([...many('laboratory'), ...many('vital-signs')]));
  for (const [title, name] of [
    ['Results', 'laboratory'],
    ['Vital signs', 'vital-signs'],
  ] as const) {
    const listed = document.listed(title);
    t.equal(listed.length, 50);
    t.equal(listed[0], `Observation/${name}-59`);
    t.notOk(listed.includes(`Observation/${name}-30`), 'what has no date counts as oldest');
    t.notOk(document.entries.includes(`Observation/${name}-05`));
    t.match(seen(document.div(title)), '10 older ones are left out');
  }
  t.match(seen(document.composition.text?.div ?? ''), 'Results 50 of 60');

  const smoking = ['2020', '2024-05', '2022-01-01'].map((effectiveDateTime, n) =>
    observation(`s${n}`, 'social-history', {
      code: { coding: [{ system: 'http://loinc.org', code: '72166-2' }] },
      effectiveDateTime,
    }),
  );
  const social = documentOf(
    partsOf([
      ...smoking,
      observation('x', 'social-history', { code: undefined }),
      observation('y', 'social-history', { code: undefined }),
    ]),
  );
  t.strictSame(social.listed('Social history'), ['Observation/s1', 'Observation/x', 'Observation/y']);
  t.match(seen(social.div('Social history')), '2 older ones are left out');

  const results = Array.from({ length: 1100 }, (_, n) => observation(`r${n}`, 'laboratory'));
  const report = other('DiagnosticReport', {
    status: 'final',
    result: results.map((_, n) => ({ reference: `Observation/r${n}` })),
  });
  const long = documentOf(partsOf([report, ...results]));
  t.equal(long.entries.length, 1002, 'the Patient, the report and 1,000 others');
  t.match(seen(long.composition.text?.div ?? ''), 'Not everything that the entries refer to');
  meetsRules(t, long, 'long');
});

t.test('what is not recorded, not known and not shown never look alike', async (t) => {
  const nothing = documentOf(partsOf([], { sources: [source('current'), source('current')] }));
  const down = documentOf(
    partsOf([], { sources: [source('current'), source('down', 'The GP'), source('stale')] }),
  );
  const unseen = documentOf(
    partsOf([], { sources: [source('current'), source('not-shared', 'The council')] }),
  );
  for (const title of TITLES) {
    t.match(seen(nothing.div(title)), /Nothing is recorded here in what is shared\. That does not mean/);
    t.match(
      seen(down.div(title)),
      /^Not known: 2 sources are missing or out of date and could have had something/,
    );
    t.notSame(
      nothing.section(title).emptyReason?.coding?.[0]?.code,
      down.section(title).emptyReason?.coding?.[0]?.code,
    );
    t.not(nothing.section(title).emptyReason?.text, down.section(title).emptyReason?.text);
    const mayHave = ['Plan of care', 'Care team and services', 'Alerts'].includes(title);
    t.equal(/1 source is not shown/.test(seen(unseen.div(title))), mayHave, title);
    t.notMatch(seen(unseen.div(title)), /council|social/i);
  }
  for (const document of [nothing, down, unseen]) meetsRules(t, document, 'nothing');
  t.match(seen(nothing.composition.text?.div ?? ''), 'Problems none recorded in what is shared');
  t.match(seen(down.composition.text?.div ?? ''), 'Problems not known');
  t.notMatch(seen(down.composition.text?.div ?? ''), 'none recorded');
  t.strictSame(nothing.entries, ['Patient/person-1'], 'no entry of our own making');
  t.match(seen(down.div('Sources of this summary')), 'The GP: down.');
  t.match(seen(unseen.div('Sources of this summary')), 'The council: not-shared.');
  t.equal(down.bundle.meta?.tag?.[0]?.code, 'incomplete');
  t.notOk(nothing.bundle.meta?.tag);
  t.strictSame(oracle.faults(JSON.parse(down.text) as Json), []);

  const narrowed = documentOf(partsOf([], { shown: ['Patient', 'Condition'], sources: [source('down')] }));
  for (const { title, emptyReason, text } of narrowed.composition.section ?? []) {
    if (title === 'Sources of this summary') continue;
    const asked = title === 'Problems' || title === 'Past problems';
    t.equal(emptyReason?.coding?.[0]?.code, asked ? 'unavailable' : 'withheld', String(title));
    t.equal(/may be shown here/.test(text?.div ?? ''), !asked, `${title} says that its kind is not shown`);
  }
  t.match(seen(narrowed.composition.text?.div ?? ''), 'Results not shown here');
  const some = documentOf(partsOf([condition({})], { sources: [source('down')] }));
  t.match(seen(some.div('Problems')), 'There may be more: 1 source is missing or out of date');
  t.match(seen(documentOf(partsOf([], { sources: [] })).div('Sources of this summary')), 'is not known');
});

t.test('a medicine reads as what it is', async (t) => {
  const words = (more: object, ...others: readonly object[]): string =>
    seen(
      documentOf(
        partsOf([request({ status: 'active', medicationCodeableConcept: undefined, ...more }), ...others]),
      ).div('Current medicines'),
    );
  const contained = [{ resourceType: 'Medication', id: 'in', code: said('Inside') }];
  t.match(words({ medicationReference: { reference: '#in' }, contained }), 'Inside');
  t.match(words({ medicationReference: { reference: 'Medication/m', display: 'Shown' } }), 'Shown');
  const kept = { resourceType: 'Medication', id: 'm', code: said('Kept') };
  t.match(words({ medicationReference: { reference: 'Medication/m', display: 'Shown' } }, kept), 'Kept');
  const error = { ...kept, status: 'entered-in-error' };
  t.match(words({ medicationReference: { reference: 'Medication/m', display: 'Shown' } }, error), 'Shown');
  t.match(
    words({ doNotPerform: true, medicationCodeableConcept: said('Aspirin') }),
    'Aspirin NOT TO BE GIVEN, active',
  );
});

t.test('a team is shown with its people and how to reach them', async (t) => {
  const contained = [
    {
      resourceType: 'Practitioner',
      id: 'w',
      name: [said('Asha Example')],
      telecom: [{ value: '01632 960500' }],
    },
  ];
  const participant = [
    { role: [said('Social worker')], member: { reference: '#w' }, onBehalfOf: { display: 'East team' } },
  ];
  const team = other('CareTeam', {
    name: 'The team',
    contained,
    participant,
    period: { start: '2026-01-01' },
  });
  const document = documentOf(partsOf([team]));
  t.match(
    seen(document.div('Care team and services')),
    'The team Social worker: Asha Example, 01632 960500, East team since 2026-01-01',
  );
});

const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '</td></tr></table></div><div>',
  '<![CDATA[x]]>',
  '&#x3c;svg onload=1&#x3e; &lt;b&gt; &nbsp; &amp;',
  'left \u202etxet right',
  '\u2066\u2069\u200b\ufeff\u00ad\u061c',
  'nul\u0000bell\u0007del\u007f nel\u0085 lone\ud800 half\udc00',
  '\ufffe\uffff\u{1ffff} tag\u{e0041}',
  '{{constructor.constructor("x")()}} <%= x %>',
  `${'a'.repeat(499)}😀${'b'.repeat(10_000)}`,
  'می‌خواهم',
];

/** A record where one text stands in every place that a narrative reads. */
function recordOf(text: string): readonly object[] {
  const code = { text, coding: [{ display: text, code: 'x' }] };
  const quantity = { value: 1.5, unit: text };
  return [
    condition({ code, severity: code, clinicalStatus: code, onsetString: text }),
    condition({
      id: 'two',
      code: { coding: [{ display: text }] },
      clinicalStatus: state('resolved'),
      abatementString: text,
      onsetPeriod: { start: text },
    }),
    allergy({
      code,
      criticality: text,
      reaction: [{ description: text, severity: text }, { manifestation: [code] }],
    }),
    request({
      status: text,
      medicationCodeableConcept: code,
      dosageInstruction: [{ text, asNeededCodeableConcept: code }],
      authoredOn: text,
    }),
    other('Immunization', {
      status: 'completed',
      vaccineCode: code,
      occurrenceString: text,
      lotNumber: text,
    }),
    observation('one', 'laboratory', {
      code,
      valueQuantity: quantity,
      interpretation: [code],
      effectiveDateTime: text,
    }),
    observation('two', 'vital-signs', {
      code,
      valueString: text,
      component: [{ code, valueCodeableConcept: code }],
    }),
    observation('three', 'social-history', { code, dataAbsentReason: code }),
    other('DiagnosticReport', {
      status: 'final',
      code,
      conclusion: text,
      conclusionCode: [code],
      result: [{ reference: 'Observation/one' }],
    }),
    other('Procedure', { status: text, code, outcome: code, performedString: text }),
    other('CarePlan', { title: text, description: text, status: text }),
    other('CareTeam', {
      name: text,
      participant: [{ role: [code], member: { display: text } }],
      managingOrganization: [{ display: text }],
    }),
    other('EpisodeOfCare', { type: [code], careManager: { display: text }, status: text }),
    other('Flag', { code, category: [code], status: text, period: { start: text, end: text } }),
  ];
}

t.test('whatever a partner sends is text in a narrative, and nothing else', async (t) => {
  const hostile = (text: string): Document => {
    const patient = { ...PATIENT, name: [{ family: text, given: [text] }], birthDate: text };
    const identifier = [{ ...PATIENT.identifier?.[0], value: text }];
    const sources = [source('down', text), source('current', text)];
    return documentOf(partsOf(recordOf(text), { patient: rowOf({ ...patient, identifier }), sources }));
  };
  const faultsOf = (text: string): readonly string[] => divs(hostile(text).composition).flatMap(xhtmlFaults);

  t.test('the known attacks (V-01, V-02)', async (t) => {
    for (const text of HOSTILE) t.strictSame(faultsOf(text), [], JSON.stringify(text).slice(0, 60));
    const said = seen(hostile('<b>x</b>').div('Problems'));
    t.match(said, '<b>x</b>', 'mark-up is read as it was written');
    t.match(seen(hostile('a\u202eb').div('Problems')), 'a\ufffdb', 'an override is seen');
    t.match(
      hostile('می\u200cخواهم').div('Problems'),
      'می\u200cخواهم',
      'a script that needs a joiner keeps it',
    );
    t.ok(hostile(HOSTILE[10] ?? '').div('Alerts').length < 5000, 'a long text is cut');
    t.match(hostile(HOSTILE[10] ?? '').div('Alerts'), /a…/, 'never inside a pair');
  });

  t.test('any text at all', async () => {
    const unit = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...HOSTILE),
      fc.constantFrom('<', '>', '&', '"', "'", ']]>', '\u202e', '\ud83d', '\0'),
    );
    fc.assert(
      fc.property(
        fc.array(unit, { minLength: 1, maxLength: 6 }),
        (parts) => faultsOf(parts.join('')).length === 0,
      ),
      { numRuns: 300 },
    );
  });

  t.test('text that is no text at all is left out', async (t) => {
    const odd = { text: 7, coding: 'no', display: null, code: [[]] };
    const rows = recordOf('x').map((resource) => ({ ...resource, code: odd, period: 'x', title: { a: 1 } }));
    for (const div of divs(documentOf(partsOf(rows)).composition)) t.strictSame(xhtmlFaults(div), []);
  });
});

const data = sharedData();
const skip = data === undefined && 'no shared data beside the project: published examples are not read';

t.test('published examples, whatever is in them', { skip }, async (t) => {
  if (data === undefined) return;
  const files = new PublishedFiles(data);
  const faults: string[] = [];
  let shown = 0;
  for (const { file, resource_type } of readVerdicts(data).filter((each) => each.base_r4 === 'valid')) {
    if (!isServed(resource_type) || resource_type === 'Patient') continue;
    const body = files.read(file);
    const { id = 'without' }: { id?: string } = JSON.parse(body);
    const document = documentOf({ ...partsOf([]), rows: [{ type: resource_type, id, body }] });
    faults.push(
      ...divs(document.composition)
        .flatMap(xhtmlFaults)
        .map((fault) => `${file}: ${fault}`),
    );
    shown += document.entries.length - 1;
  }
  t.strictSame(faults, []);
  t.ok(shown > 100, `${shown} are in a summary`);
});

/** A person's record as a caller sees it, from the service itself; undefined: nobody that the caller may see. */
async function seenBy(t: Test, service: TestService, id: string, token: string) {
  let answer = await service.get(`Patient/${id}/$everything`, token);
  // a machine that is busy with other tests makes the service ask for patience
  for (let tries = 0; answer.status === 503 && tries < 20; tries += 1) {
    await setTimeout(250);
    answer = await service.get(`Patient/${id}/$everything`, token);
  }
  const refused = answer.status === 404 || answer.json?.entry?.length === 1;
  t.ok(answer.status === 200 || refused, `${id}: ${answer.status}`);
  if (refused) return undefined;
  const entries: readonly { resource: Resource; search: { mode: string } }[] = answer.json.entry;
  const resources = entries.map(({ resource }) => resource);
  const sources = resources.flatMap((each) => (each.resourceType === 'OperationOutcome' ? each.issue : []));
  const rows = entries.filter(({ search }) => search.mode === 'match').map(({ resource }) => rowOf(resource));
  const patient = rows.find((row) => row.type === 'Patient');
  return patient === undefined ? undefined : partsOf([], { patient, rows, sources });
}

t.test('the people of the county', async (t) => {
  const service = await testService(t, { people: 60 });
  const token = await service.token({
    kind: 'staff',
    organisation: 'K82004',
    role: 'general-practitioner',
    user: 'gp-jones',
  });
  const people: SummaryParts[] = [];
  // all are asked for first: judging keeps the service from answering
  for (const [, id] of await personIds(service))
    people.push(...[await seenBy(t, service, id, token)].flatMap((each) => each ?? []));
  const filled = new Set<string>();
  for (const parts of people) {
    const { id } = parts.patient;
    const document = documentOf(parts);
    meetsRules(t, document, id);
    t.strictSame(oracle.faults(JSON.parse(document.text) as Json), [], `${id} is valid R4`);
    t.ok(document.bundle.meta?.profile, 'IPS is claimed');
    for (const title of TITLES) if (document.listed(title).length > 0) filled.add(title);
  }
  t.ok(people.length > 30, `${people.length} people were shown`);
  t.strictSame([...filled].sort(), [...TITLES].sort(), 'every section has entries of somebody');
});
