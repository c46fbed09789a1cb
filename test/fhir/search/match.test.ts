import t, { type Test } from 'tap';
import { BASE, finds, type Resource } from '../../support/searching.ts';

/** A sentence, the resource that it is about, the queries that find it and those that do not; ~ stands for a space. */
type Case = readonly [sentence: string, resource: Resource, finds: string, misses: string];

function check(t: Test, cases: readonly Case[]): void {
  const queries = (text: string): readonly string[] =>
    text
      .trim()
      .split(/\s+/)
      .filter((query) => query !== '')
      .map((query) => query.replaceAll('~', ' '));
  for (const [sentence, resource, hits, misses] of cases) {
    for (const query of queries(hits)) t.ok(finds(query, resource), `${sentence}: ${query} finds it`);
    for (const query of queries(misses)) t.notOk(finds(query, resource), `${sentence}: ${query} does not`);
  }
}

const observation = (members: object): Resource => ({ resourceType: 'Observation', id: 'o', ...members });
const patient = (members: object): Resource => ({ resourceType: 'Patient', id: 'p', ...members });

const LOINC = 'http://loinc.org';
const coded = observation({
  status: 'final',
  code: {
    coding: [
      { system: LOINC, code: '8480-6', display: 'Systolic blood pressure' },
      { code: 'BP-local' },
      { system: 'http://example.org/empty' },
    ],
    text: 'Upper pressure',
  },
});

t.test('tokens', async (t) => {
  check(t, [
    [
      'a code is found alone and with its system, and a system with any code',
      coded,
      'code=8480-6 code=http://loinc.org|8480-6 code=http://loinc.org| code=http://example.org/empty|',
      'code=8480 code=http://loinc.org|8480-7 code=http://snomed.info/sct| code=http://snomed.info/sct|8480-6',
    ],
    [
      'a code without a system is found as such, and one with a system is not',
      coded,
      'code=|BP-local code=BP-local',
      'code=|8480-6 code=http://loinc.org|BP-local',
    ],
    ['codes regardless of case, systems not', coded, 'code=bp-LOCAL', 'code=HTTP://loinc.org|8480-6'],
    [
      'what is not so is found with :not',
      coded,
      'code:not=1 code:not=1,2 category:not=1',
      'code:not=8480-6 code:not=1,8480-6 code:not=|bp-local',
    ],
    [
      'words that stand with a code are found with :text, from their beginning, and never as codes',
      coded,
      'code:text=systolic code:text=UPPER~pres code:text=Systolic~Blood',
      'code:text=pressure code:text=8480-6 code=Upper~pressure code=|Upper~pressure code:text=final',
    ],
    [
      'a bare code is of the system of its value set',
      coded,
      'status=final status=http://hl7.org/fhir/observation-status|final status=http://hl7.org/fhir/observation-status|',
      'status=|final status=http://hl7.org/fhir/task-status|final status=amended',
    ],
    [
      'a value set of two systems says which code is of which',
      { resourceType: 'Task', intent: 'order' },
      'intent=order intent=http://hl7.org/fhir/request-intent|order',
      'intent=http://hl7.org/fhir/task-intent|order intent=|order',
    ],
    [
      'and a code of the other is of the other',
      { resourceType: 'Task', intent: 'unknown' },
      'intent=http://hl7.org/fhir/task-intent|unknown',
      'intent=http://hl7.org/fhir/request-intent|unknown',
    ],
    [
      'languages are of BCP 47, kinds of content of BCP 13',
      {
        resourceType: 'DocumentReference',
        content: [{ attachment: { language: 'en-GB', contentType: 'application/pdf' } }],
      },
      'language=urn:ietf:bcp:47|en-GB language=en-gb contenttype=urn:ietf:bcp:13|application/pdf',
      'language=en language=|en-GB',
    ],
    [
      'booleans are tokens',
      patient({ active: true }),
      'active=true active=|true',
      'active=false active:not=true',
    ],
    [
      'who says nothing of death is not deceased',
      patient({}),
      'deceased=false deceased:missing=false',
      'deceased=true',
    ],
    [
      'who is said to be alive is not',
      patient({ deceasedBoolean: false }),
      'deceased=false',
      'deceased=true',
    ],
    ['who is said to be is', patient({ deceasedBoolean: true }), 'deceased=true', 'deceased=false'],
    [
      'who has a date of death is, and it is a date',
      patient({ deceasedDateTime: '2024-02-03' }),
      'deceased=true death-date=2024-02',
      'deceased=false death-date=2023',
    ],
    [
      'identifiers by value, system and the kind that they are',
      patient({
        identifier: [
          {
            system: 'urn:trust',
            value: 'A|1,2',
            type: {
              coding: [
                { system: 'urn:v2', code: 'MR' },
                { system: 'urn:v2', code: 'local no' },
              ],
              text: 'Hospital number',
            },
          },
          { system: 'urn:gp', value: '77' },
        ],
      }),
      String.raw`identifier=urn:trust|A\|1\,2 identifier=A\|1\,2 identifier=urn:gp| identifier:text=hospital
        identifier:of-type=urn:v2|MR|A\|1\,2 identifier:of-type=urn:v2|local~no|A\|1\,2`,
      'identifier=urn:gp|A\\|1\\,2 identifier:of-type=urn:v2|MR|77 identifier:of-type=|MR|A\\|1\\,2 identifier:of-type=urn:v2|no|A\\|1\\,2',
    ],
    [
      'contact points by value and kind',
      patient({
        telecom: [
          { system: 'phone', value: '01296 000000' },
          { system: 'email', value: 'a.person@example.org' },
        ],
      }),
      'phone=01296~000000 telecom=01296~000000 email=A.Person@example.org telecom=a.person@example.org',
      'email=01296~000000 phone=a.person@example.org phone=01296',
    ],
    [
      'labels and tags of every resource',
      observation({
        meta: { security: [{ system: 'urn:c', code: 'R' }], tag: [{ system: 'urn:t', code: 'gp' }] },
      }),
      '_security=urn:c|R _tag=gp _security:not=N',
      '_security=gp _tag=urn:c|R _security:not=R',
    ],
    ['ids exactly', observation({ id: 'aB-1' }), '_id=aB-1 _id=x,aB-1', '_id=ab-1 _id=x'],
  ]);
});

t.test('strings', async (t) => {
  const named = patient({
    name: [
      { family: 'Ó Súilleabháin-Smith', given: ['Mary', 'Ann'], prefix: ['Dr.'], suffix: ['OBE'] },
      { text: "Molly O'Neill, the baker" },
    ],
    address: [
      { line: ['1 High Street', 'Flat 2'], city: 'Aylesbury', postalCode: 'HP19 8FF', text: 'By the church' },
    ],
  });
  check(t, [
    [
      'from the beginning of a part, without regard to case, accents, hyphens and apostrophes',
      named,
      `family=o~suill family=Ó~SÚILLEABHÁIN~smith given=ann name=mary name=oSuil,o~suil name=dr name=obe name=molly~oneill
        name=MOLLY~O’NEILL name=o~suilleabhain-smith`,
      'family=smith given=nn name=neill given=o~suill',
    ],
    ['a name is also found as it is said', named, 'name=Mary~Ann~O~Suill', 'name=Ann~Mary name=Mary~O~Suill'],
    [
      'anywhere in a part with :contains',
      named,
      'family:contains=smith family:contains=AIN-S name:contains=baker address:contains=church',
      'family:contains=mary name:contains=smithmary',
    ],
    [
      'exactly with :exact',
      named,
      'family:exact=Ó~Súilleabháin-Smith given:exact=Mary',
      'family:exact=ó~súilleabháin-smith family:exact=Ó~Súilleabháin given:exact=mary given:exact=Mary~Ann',
    ],
    [
      'an address by any of its parts, and by each of them',
      named,
      `address=1~high address=flat address=aylesbury address=hp19~8ff address=by~the address-city=ayles
        address-postalcode=hp19`,
      'address=street address-city=hp19 address-postalcode=aylesbury address-state=a',
    ],
    [
      'punctuation alone is looked for as it stands, and does not find everything',
      patient({ name: [{ family: '-' }, { given: ['Ann'] }] }),
      'family=- name:contains=-',
      "given=. given=' name:contains=’ family=--",
    ],
    [
      'letters that have no accent to lose',
      patient({ name: [{ family: 'Łæßer' }] }),
      'family=laesser family=ŁÆSSER family=laess',
      'family=laser',
    ],
    [
      'a text of several kinds of element',
      observation({ valueCodeableConcept: { text: 'Two units' } }),
      'value-string=two~units',
      'value-string=units value-concept=two~units',
    ],
    [
      'a tab is a space',
      observation({ valueString: 'one\ttwo' }),
      'value-string=one~two value-string:exact=one~two value-string:exact=one\\\\,x,one~two',
      'value-string=two',
    ],
    [
      'commas, bars and backslashes are escaped',
      observation({ valueString: 'a,b|c$d\\e' }),
      String.raw`value-string=a\,b\|c\$d\\e value-string=x,a\,b value-string:exact=a\,b|c$d\\e`,
      String.raw`value-string=b value-string=a\\\,b`,
    ],
  ]);
  t.ok(
    finds('value-string:exact=one\ttwo', observation({ valueString: 'one\ttwo' })),
    'asked with a tab too',
  );
});

t.test('dates', async (t) => {
  const on = (effectiveDateTime: string): Resource => observation({ effectiveDateTime });
  const during = (start?: string, end?: string): Resource =>
    observation({ effectivePeriod: { ...(start && { start }), ...(end && { end }) } });
  check(t, [
    [
      'a day, by days, months and years',
      on('2024-02-10'),
      `date=2024-02-10 date=2024-02 date=2024 date=ge2024-02-10 date=le2024-02-10 date=ge2024 date=le2024 date=gt2024-02-09
        date=lt2024-02-11 date=sa2024-02-09 date=eb2024-02-11 date=ne2024-02-11 date=ap2024-02-10 date=sa2024-01
        date=eb2024-03`,
      `date=2024-02-11 date=2023 date=gt2024-02-10 date=lt2024-02-10 date=ne2024-02 date=sa2024-02 date=eb2024-02
        date=2024-02-10T10:00 date=lt2024 date=gt2024 date=sa2024-02-10 date=eb2024-02-10`,
    ],
    [
      'a month is not one of its days, but has time before and after',
      on('2024-02'),
      'date=2024-02 date=2024 date=gt2024-02-10 date=lt2024-02-10 date=ge2024-02-10 date=le2024-02-10 date=ne2024-02-10',
      'date=2024-02-10 date=sa2024-02-10 date=eb2024-02-10',
    ],
    [
      'between two dates',
      on('2024-02-10T09:30:00Z'),
      'date=ge2024-02-10&date=lt2024-02-11 date=2023,2024',
      'date=ge2024-02-11&date=lt2024-02-12 date=lt2024-02-10&date=ge2024-02-10 date=2022,2023',
    ],
    [
      'a zone is a way to write the same time',
      on('2024-07-01T00:30:00+02:00'),
      'date=2024-06-30T22:30:00Z date=2024-06-30 date=2024-06-30T23:30:00+01:00 date=2024-06-30T22:30Z',
      'date=2024-07-01 date=2024-07',
    ],
    [
      'without a zone it is London, summer time included',
      on('2024-06-30T23:30:00Z'),
      'date=2024-07-01 date=2024-07-01T00:30 date=2024-07-01T00:30:00 date=2024-07',
      'date=2024-06-30 date=2024-06-30T23:30',
    ],
    [
      'and in winter it is that of Greenwich',
      on('2024-01-31T23:59:59.999Z'),
      'date=2024-01-31T23:59 date=2024-01-31 date=2024-01-31T23:59:59 date=2024-01-31T23:59:59.999Z',
      'date=2024-02 date=2024-01-31T23:59:59.998Z',
    ],
    [
      'a period',
      during('2024-02-01', '2024-03-10'),
      `date=2024 date=ge2024-02-01 date=ge2024-03 date=le2024-03-10 date=le2024-02 date=gt2024-02-15 date=lt2024-02-15 date=sa2024-01-31
        date=eb2024-03-11 date=ap2024-02-15 date=ne2024-02`,
      'date=2024-02 date=2024-02-15 date=sa2024-02-01 date=eb2024-03-10 date=gt2024-03-10 date=lt2024-02-01',
    ],
    [
      'a period that goes on has no end yet',
      during('2024-02-01'),
      'date=gt2030 date=ge2024-02-01 date=sa2024-01-31 date=ap2030 date=ne2024 date=lt2030 date=le2024-02-01',
      'date=2024 date=eb2030 date=lt2024-02-01 date=eb9999',
    ],
    [
      'a period without a beginning has always been',
      during(undefined, '2024-02-01'),
      'date=lt1900 date=le2024-02-01 date=eb2024-02-02 date=gt1900 date=ge2024',
      'date=gt2024-02-01 date=sa1900 date=2024',
    ],
    [
      'a schedule by its outer limits',
      observation({ effectiveTiming: { event: ['2024-03-10', '2024-01-31'] } }),
      'date=2024 date=ge2024-02-15 date=le2024-02-15 date=sa2024-01-30 date=eb2024-03-11 date=ap2024-02-20',
      'date=2024-01-31 date=2024-03 date=sa2024-02 date=eb2024-03-10 date=gt2024-03-10',
    ],
    [
      'and by the period that it is bound to',
      observation({
        effectiveTiming: { repeat: { boundsPeriod: { start: '2024-01-31', end: '2024-03-24' } } },
      }),
      'date=2024 date=ge2024-02-15 date=le2024-02-15 date=eb2024-03-25',
      'date=2024-02 date=sa2024-01-31',
    ],
    [
      'around a date: a tenth of the way to it from now',
      on('2024-02-10'),
      'date=ap2024-02-10 date=ap2024-03 date=ap2024-01-15',
      'date=ap2022 date=ap2025-06 date=ap2024-05',
    ],
    [
      'what is no date is not found by one',
      observation({ effectiveTiming: {} }),
      'date:missing=true',
      'date=ne2024',
    ],
    [
      'when a resource was last changed',
      observation({ meta: { lastUpdated: '2024-05-05T05:05:05.005Z' } }),
      '_lastUpdated=ge2024-05-05 _lastUpdated=2024',
      '_lastUpdated=lt2024-05-05',
    ],
  ]);
});

t.test('references', async (t) => {
  const cared = {
    resourceType: 'Encounter',
    subject: { reference: 'Patient/p1' },
    participant: [
      { individual: { reference: 'Practitioner/d1' } },
      { individual: { type: 'Practitioner', identifier: { system: 'urn:gmc', value: '7' } } },
      { individual: { reference: 'PractitionerRole/r1', identifier: { system: 'urn:gmc', value: '9' } } },
    ],
    serviceProvider: { identifier: { system: 'urn:ods', value: 'RXQ' }, display: 'The hospital' },
  };
  check(t, [
    [
      'by id, by type and id, and by our own address',
      cared,
      `subject=p1 subject=Patient/p1 subject=${BASE}/Patient/p1 subject:Patient=p1 subject:Patient=Patient/p1 patient=p1
        participant=d1 participant=r1 participant=PractitionerRole/r1 participant:PractitionerRole=r1 participant:identifier=9`,
      'subject=p subject=1 subject=Group/p1 subject:Group=p1 patient=P1 participant:PractitionerRole=d1 participant=Practitioner/r1',
    ],
    [
      'a parameter for one type sees references to that type alone',
      cared,
      'practitioner=d1 practitioner=Practitioner/d1 practitioner:identifier=urn:gmc|7 practitioner:missing=false',
      'practitioner=r1 practitioner:identifier=9 practitioner:identifier=8 practitioner:missing=true',
    ],
    [
      'who is named by an identifier alone',
      cared,
      'service-provider:identifier=urn:ods|RXQ service-provider:identifier=RXQ service-provider:missing=false',
      'service-provider:identifier=urn:gmc|RXQ service-provider:identifier=|RXQ service-provider:identifier=rxq service-provider=RXQ',
    ],
    [
      'a version that is referred to is the same resource; what is contained or elsewhere is not of this record',
      observation({
        subject: { reference: 'Patient/p1/_history/3' },
        performer: [{ reference: '#d' }, { reference: 'https://elsewhere.example/fhir/Practitioner/d2' }],
      }),
      'subject=p1 subject=Patient/p1 performer:missing=false',
      'performer=d performer=d2 performer=Practitioner/d2',
    ],
    [
      'canonical addresses, with and without their version',
      { resourceType: 'CarePlan', instantiatesCanonical: ['http://example.org/PlanDefinition/a|2.0'] },
      'instantiates-canonical=http://example.org/PlanDefinition/a instantiates-canonical=http://example.org/PlanDefinition/a|2.0',
      'instantiates-canonical=a instantiates-canonical=PlanDefinition/a instantiates-canonical=http://example.org/PlanDefinition/a|1.0 instantiates-canonical=http://example.org/PlanDefinition',
    ],
  ]);
});

const UCUM = 'http://unitsofmeasure.org';
const measured = (valueQuantity: object): Resource =>
  observation({ valueQuantity: { system: UCUM, code: 'mg', unit: 'milligram', ...valueQuantity } });

t.test('quantities and numbers', async (t) => {
  check(t, [
    [
      'as wide as the digits asked for',
      measured({ value: 5.4 }),
      'value-quantity=5.4 value-quantity=5 value-quantity=54e-1 value-quantity=+5.4 value-quantity=eq5.40 value-quantity=ne5.5',
      'value-quantity=5.5 value-quantity=5.41 value-quantity=6 value-quantity=-5.4 value-quantity=ne5.4 value-quantity=ne5',
    ],
    [
      'up to but not including the upper end',
      measured({ value: 5.45 }),
      'value-quantity=5.5',
      'value-quantity=5.4',
    ],
    [
      'from and including the lower end',
      measured({ value: 5.35 }),
      'value-quantity=5.4',
      'value-quantity=5.3',
    ],
    [
      'hundreds',
      measured({ value: 149 }),
      'value-quantity=1e2 value-quantity=149',
      'value-quantity=100 value-quantity=2e2',
    ],
    [
      'compared with the very number',
      measured({ value: 5.4 }),
      `value-quantity=ge5.4 value-quantity=le5.4 value-quantity=gt5.39 value-quantity=lt5.41 value-quantity=sa5.3
        value-quantity=eb5.5 value-quantity=ap5 value-quantity=ap5.9`,
      'value-quantity=gt5.4 value-quantity=lt5.4 value-quantity=ge5.41 value-quantity=sa5.4 value-quantity=eb5.4 value-quantity=ap6.1 value-quantity=ap4.8',
    ],
    [
      'with its unit: by system and code, by code, or by what the unit is called',
      measured({ value: 5.4 }),
      `value-quantity=5.4|${UCUM}|mg value-quantity=5.4||mg value-quantity=5.4||milligram value-quantity=lt6||mg`,
      `value-quantity=5.4|${UCUM}|g value-quantity=5.4|urn:x|mg value-quantity=5.4||MG value-quantity=5.4|${UCUM}|milligram`,
    ],
    [
      'less than 5 is below 5',
      measured({ value: 5, comparator: '<' }),
      'value-quantity=lt5 value-quantity=le5 value-quantity=eb5 value-quantity=lt1 value-quantity=ne5 value-quantity=ge4',
      'value-quantity=5 value-quantity=gt5 value-quantity=ge5 value-quantity=sa1',
    ],
    [
      'at most 5 may be 5',
      measured({ value: 5, comparator: '<=' }),
      'value-quantity=le5 value-quantity=ge5 value-quantity=eb6',
      'value-quantity=5 value-quantity=gt5 value-quantity=eb5',
    ],
    [
      'more than 5 is above 5',
      measured({ value: 5, comparator: '>' }),
      'value-quantity=gt5 value-quantity=sa5 value-quantity=gt900 value-quantity=ge5',
      'value-quantity=5 value-quantity=le5 value-quantity=lt5',
    ],
    [
      'at least 5 may be 5',
      measured({ value: 5, comparator: '>=' }),
      'value-quantity=ge5 value-quantity=le5 value-quantity=gt5',
      'value-quantity=5 value-quantity=lt5 value-quantity=sa5',
    ],
    [
      'without a value there is none',
      measured({}),
      'value-quantity:missing=true',
      'value-quantity=ne5 value-quantity=0',
    ],
    [
      'a range from its lowest to its highest',
      {
        resourceType: 'Condition',
        onsetRange: { low: { value: 30, code: 'a' }, high: { value: 40, code: 'a' } },
      },
      'onset-age=ge40 onset-age=le30 onset-age=gt35||a onset-age=ap35 onset-age=sa29 onset-age=eb41',
      'onset-age=35 onset-age=gt40 onset-age=lt30 onset-age=sa30 onset-age=gt35||mo',
    ],
    [
      'a range written the wrong way round',
      { resourceType: 'Condition', onsetRange: { low: { value: 40 }, high: { value: 30 } } },
      'onset-age=ge40 onset-age=le30 onset-age=sa29',
      'onset-age=gt40 onset-age=lt30',
    ],
    [
      'a range without an end',
      { resourceType: 'Condition', onsetRange: { low: { value: 30 } } },
      'onset-age=gt1000 onset-age=sa29',
      'onset-age=lt30 onset-age=eb1000',
    ],
    [
      'a range of nothing',
      { resourceType: 'Condition', onsetRange: { low: { unit: 'a' } } },
      'onset-age:missing=true',
      'onset-age=gt1 onset-age=lt1',
    ],
    [
      'sampled data from its lowest to its highest',
      observation({
        valueSampledData: {
          origin: { value: 100, code: 'mV' },
          period: 1,
          factor: 2,
          dimensions: 1,
          data: '0 E -10 5 L U',
        },
      }),
      'value-quantity=ge110 value-quantity=le80 value-quantity=gt100||mV value-quantity=sa79',
      'value-quantity=gt110 value-quantity=lt80 value-quantity=100 value-quantity=gt100||V',
    ],
    [
      'a component has quantities of its own',
      observation({ component: [{ code: {}, valueQuantity: { value: 120 } }] }),
      'component-value-quantity=120 combo-value-quantity=120 combo-value-quantity:missing=false',
      'value-quantity=120 combo-value-quantity=80',
    ],
    [
      'a length of time',
      { resourceType: 'Encounter', length: { value: 3, unit: 'days' } },
      'length=gt2||days length=3',
      'length=gt3 length=3||h',
    ],
  ]);
});

t.test('addresses', async (t) => {
  const made = observation({
    meta: { source: 'http://example.org/gp/7', profile: ['http://example.org/StructureDefinition/bp|1.0'] },
  });
  check(t, [
    [
      'exactly',
      made,
      '_source=http://example.org/gp/7',
      '_source=http://example.org/gp _source=http://example.org/GP/7',
    ],
    [
      'below an address, part by part',
      made,
      '_source:below=http://example.org/gp _source:below=http://example.org/gp/ _source:below=http://example.org/gp/7',
      '_source:below=http://example.org/g _source:below=http://example.org/gp/7/1',
    ],
    [
      'above an address',
      made,
      '_source:above=http://example.org/gp/7/a/b _source:above=http://example.org/gp/7',
      '_source:above=http://example.org/gp/77 _source:above=http://example.org/gp',
    ],
    [
      'a profile with and without its version',
      made,
      '_profile=http://example.org/StructureDefinition/bp _profile=http://example.org/StructureDefinition/bp|1.0',
      '_profile=http://example.org/StructureDefinition/b _profile=http://example.org/StructureDefinition/bp|1',
    ],
  ]);
});

t.test('composites', async (t) => {
  const pressure = observation({
    code: { coding: [{ system: LOINC, code: '85354-9' }] },
    valueQuantity: { value: 1, code: 'x' },
    component: [
      {
        code: { coding: [{ system: LOINC, code: '8480-6' }] },
        valueQuantity: { value: 142, code: 'mm[Hg]' },
      },
      {
        code: { coding: [{ system: LOINC, code: '8462-4' }, { code: 'dia' }] },
        valueQuantity: { value: 81, code: 'mm[Hg]' },
      },
    ],
  });
  const replacing: Resource = {
    resourceType: 'DocumentReference',
    relatesTo: [
      { code: 'replaces', target: { reference: 'DocumentReference/a' } },
      { code: 'appends', target: { reference: 'DocumentReference/b' } },
    ],
  };
  check(t, [
    [
      'of the whole resource',
      pressure,
      'code-value-quantity=85354-9$1 code-value-quantity=http://loinc.org|85354-9$lt2||x code-value-quantity=x$1,85354-9$1',
      'code-value-quantity=85354-9$2 code-value-quantity=8480-6$1 code-value-quantity=85354-9$142',
    ],
    [
      'within one component, never across two',
      pressure,
      'component-code-value-quantity=8480-6$gt140 component-code-value-quantity=dia$81 component-code-value-quantity=http://loinc.org|8462-4$lt90||mm[Hg]',
      'component-code-value-quantity=8480-6$81 component-code-value-quantity=8462-4$gt140 component-code-value-quantity=85354-9$1 component-code-value-quantity=8480-6$gt140||kPa',
    ],
    [
      'in either place',
      pressure,
      'combo-code-value-quantity=85354-9$1 combo-code-value-quantity=8480-6$142 combo-code=dia combo-code=85354-9',
      'combo-code-value-quantity=85354-9$142 combo-code-value-quantity=8480-6$1 combo-code=x',
    ],
    [
      'of a code with a concept, a date and a text',
      observation({
        code: { coding: [{ code: 'c' }] },
        valueCodeableConcept: { coding: [{ system: 's', code: 'v' }], text: 'Very' },
      }),
      'code-value-concept=c$s|v code-value-string=c$very combo-code-value-concept=c$v code-value-date:missing=true',
      'code-value-concept=v$c code-value-string=v$very code-value-date=c$2024',
    ],
    [
      'of a document and what it does to another',
      replacing,
      'relationship=replaces$DocumentReference/a relationship=appends$b',
      'relationship=replaces$DocumentReference/b relationship=appends$DocumentReference/a',
    ],
  ]);
});

t.test('what is missing, of every type of parameter', async (t) => {
  const full: Resource = observation({
    ...coded,
    valueString: 'x',
    effectiveDateTime: '2024',
    subject: { display: 'someone' },
    meta: { source: 'urn:x' },
    component: [{ code: { coding: [{ code: 'c' }] }, valueQuantity: { value: 1 } }],
    valueQuantity: { value: 1 },
  });
  const names = `code value-string date subject value-quantity _source code-value-quantity
    component-code-value-quantity combo-code combo-value-quantity combo-code-value-quantity`.split(/\s+/);
  for (const name of names) {
    t.ok(finds(`${name}:missing=false`, full), `${name} is there`);
    t.notOk(finds(`${name}:missing=true`, full), `${name} is not missing`);
    t.ok(finds(`${name}:missing=true`, observation({})), `${name} is missing`);
    t.notOk(finds(`${name}:missing=false`, observation({})), `${name} is not there`);
  }
  check(t, [
    [
      'a reference to someone else is not one to a patient',
      full,
      'patient:missing=true',
      'patient:missing=false',
    ],
    [
      'a composite lacks what any of its parts lacks',
      coded,
      'code-value-quantity:missing=true',
      'code:missing=true',
    ],
    [
      'a source that is attached is not referred to',
      { resourceType: 'Consent', sourceAttachment: { title: 'Signed form' } },
      'source-reference:missing=true',
      'source-reference:missing=false',
    ],
  ]);
});

t.test('one value of a list is enough, each condition is needed', async (t) => {
  check(t, [
    [
      'or and and',
      { ...coded, effectiveDateTime: '2024-02-10' },
      'code=x,8480-6 code=8480-6&code=BP-local code=8480-6&date=2024&status=final',
      'code=x,y code=8480-6&code=x code=8480-6&date=2023 code=8480-6,x&status=amended',
    ],
  ]);
});
