import { randomBytes } from 'node:crypto';
import type { Patient } from '@medplum/fhirtypes';
import fc from 'fast-check';
import t from 'tap';
import type { Caller } from '../../src/access/caller.ts';
import type { SourcePolicy } from '../../src/access/policy.ts';
import { Problem } from '../../src/fhir/problem.ts';
import { auditEventFor } from '../../src/record/audit-view.ts';
import { searchset } from '../../src/record/bundle.ts';
import { consentResource } from '../../src/record/consent.ts';
import { inOrder, sortKey } from '../../src/record/order.ts';
import { type FurtherPage, PageTokens } from '../../src/record/page-token.ts';
import { aggregatePatient, type Contribution } from '../../src/record/patient.ts';
import { leaveOut } from '../../src/record/redact.ts';

const gp = {
  kind: 'staff',
  issuer: 'https://issuer.example',
  subject: 's-1',
  client: 'emis',
  tokenId: 'j-1',
  scopes: [],
  user: { id: 'dr', name: 'Dr' },
  organisation: 'K82001',
  role: 'general-practitioner',
  purpose: 'TREAT',
  reason: 'clinic',
  attestsNotOwn: true,
  namedBy: 'login',
} as const satisfies Caller;

function problemOf(run: () => unknown): Problem | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof Problem ? error : undefined;
  }
}

t.test('a page token', async (t) => {
  const tokens = new PageTokens(randomBytes(32));
  const page: FurtherPage = {
    question: {
      interaction: 'search-type',
      type: 'Observation',
      query: [
        ['patient:identifier', 'https://fhir.nhs.uk/Id/nhs-number|9990000018'],
        ['_count', '10'],
      ],
    },
    after: { publication: 3, lastKey: '008.a', standing: ['a', null, 4] },
  };
  const token = tokens.seal(page, gp, 1000);

  t.test('gives back the question to the caller it was given to, for fifteen minutes', async (t) => {
    t.strictSame(tokens.open(token, gp, 1000 + 15 * 60_000), page);
    t.equal(problemOf(() => tokens.open(token, gp, 1001 + 15 * 60_000))?.kind, 'gone');
  });

  t.test('holds no number that can be read in it', async (t) => {
    t.notMatch(Buffer.from(token, 'base64url').toString('latin1'), /9990000018/);
  });

  t.test('is refused to anybody else, in whatever way they differ', async (t) => {
    const others: readonly Caller[] = [
      { ...gp, subject: 's-2' },
      { ...gp, issuer: 'https://other.example' },
      { ...gp, client: 'other' },
      {
        kind: 'patient',
        issuer: gp.issuer,
        subject: gp.subject,
        client: gp.client,
        tokenId: 'j',
        scopes: [],
        nhsNumber: '9990000018',
      },
    ];
    for (const other of others) t.equal(problemOf(() => tokens.open(token, other, 1000))?.kind, 'invalid');
  });

  t.test('is refused when any byte was changed, cut or made up', async (t) => {
    const bytes = Buffer.from(token, 'base64url');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, flip) => {
        const altered = Buffer.from(bytes);
        altered[place] = (altered[place] ?? 0) ^ flip;
        return problemOf(() => tokens.open(altered.toString('base64url'), gp, 1000))?.kind === 'invalid';
      }),
    );
    for (const text of ['', 'x', token.slice(0, 20), token.slice(0, -4)]) {
      t.equal(problemOf(() => tokens.open(text, gp, 1000))?.kind, 'invalid');
    }
    t.equal(
      problemOf(() => new PageTokens(randomBytes(32)).open(token, gp, 1000))?.kind,
      'invalid',
      'another key',
    );
  });
});

const source = (code: string, precedence: number): SourcePolicy => ({
  number: precedence,
  code,
  name: `The ${code}`,
  organisation: code,
  sector: 'health',
  format: 'fhir-ndjson',
  precedence,
  speaksFor: [],
  staleAfterHours: 36,
  shares: {},
});

function contribution(
  code: string,
  precedence: number,
  patient: Partial<Patient>,
  version = 7,
): Contribution {
  return {
    source: source(code, precedence),
    row: {
      id: `row-${code}`,
      personId: 'p',
      version,
      source: code,
      type: 'Patient',
      categories: [],
      labels: [],
      codes: [],
    },
    patient: {
      resourceType: 'Patient',
      meta: { lastUpdated: `2026-01-0${precedence}T00:00:00.000Z` },
      ...patient,
    },
    asOf: '2026-01-01',
  };
}

t.test('the aggregated Patient', async (t) => {
  const number = { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' };
  const gpPart = contribution('gp', 1, {
    identifier: [number],
    name: [{ family: 'Right' }],
    birthDate: '2014-06-02',
  });
  const acute = contribution(
    'acute',
    2,
    {
      identifier: [number, { system: 'urn:hospital', value: 'H1' }],
      name: [{ family: 'Wrong' }],
      telecom: [{ system: 'phone', value: '01296' }],
      deceasedDateTime: '2026-01-05',
      contact: [{ name: { family: 'Third' } }],
    },
    9,
  );

  t.test('takes each element from the source of highest precedence that has it', async (t) => {
    for (const order of [
      [gpPart, acute],
      [acute, gpPart],
    ]) {
      const patient = aggregatePatient('p', order);
      t.equal(patient?.id, 'p');
      t.equal(patient?.name?.[0]?.family, 'Right');
      t.equal(patient?.birthDate, '2014-06-02');
      t.equal(patient?.telecom?.[0]?.value, '01296');
      t.equal(patient?.deceasedDateTime, '2026-01-05', 'a death anybody recorded is shown');
      t.strictSame(patient?.identifier, [number, { system: 'urn:hospital', value: 'H1' }]);
      t.equal(patient?.meta?.versionId, '9');
      t.notOk(patient?.contact, 'third parties are not carried over');
    }
  });

  t.test('names its contributions and nothing of one that was left out', async (t) => {
    const both = aggregatePatient('p', [gpPart, acute]);
    const codes = both?.extension?.map(
      (e) => e.extension?.find((inner) => inner.url === 'source')?.valueCode,
    );
    t.strictSame(codes, ['gp', 'acute']);
    t.notMatch(JSON.stringify(aggregatePatient('p', [gpPart])), /acute|01296|H1|2026-01-05/);
  });

  t.test('declares our profile, and UK Core’s where it conforms', async (t) => {
    const uk = 'https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient';
    const own = 'https://mycarerecord.example/fhir/StructureDefinition/aggregated-patient';
    t.strictSame(aggregatePatient('p', [gpPart, acute])?.meta?.profile, [uk, own]);
    const communication = [{ language: { text: 'Welsh' } }];
    const uncoded = contribution('gp', 1, { identifier: [number], communication });
    t.strictSame(aggregatePatient('p', [uncoded])?.meta?.profile, [own], 'a language without its code');
  });

  t.test('has no identifiers where none are shared, rather than an empty list', async (t) => {
    const patient = aggregatePatient('p', [contribution('gp', 1, { name: [{ family: 'Right' }] })]);
    t.notOk('identifier' in (patient ?? {}));
  });

  t.test('is nobody when there is no contribution', async (t) => {
    t.equal(aggregatePatient('p', []), undefined);
  });
});

t.test('a searchset', async (t) => {
  const parts = {
    baseUrl: 'https://mcr.example/fhir',
    self: 'Observation?patient=1&x="',
    total: 0,
    entries: [],
    issues: [],
    now: 0,
  };

  t.test('has no entry member when it has no entries, and links that are escaped', async (t) => {
    const bundle = JSON.parse(searchset(parts));
    t.notOk('entry' in bundle);
    t.equal(bundle.total, 0);
    t.equal(bundle.link[0].url, 'https://mcr.example/fhir/Observation?patient=1&x="');
  });

  t.test('splices stored text as it is, and counts no outcome entry', async (t) => {
    const body = '{"resourceType":"Observation","id":"a","valueDecimal":1.10}';
    const text = searchset({
      ...parts,
      total: 1,
      entries: [{ type: 'Observation', id: 'a', body }],
      issues: [{ severity: 'warning', code: 'incomplete', details: { text: 'late' } }],
    });
    t.match(text, body, 'the text is untouched: 1.10 stays 1.10');
    const bundle = JSON.parse(text);
    t.equal(bundle.total, 1);
    t.strictSame(
      bundle.entry.map((e: { search: { mode: string } }) => e.search.mode),
      ['match', 'outcome'],
    );
    t.equal(bundle.meta.tag[0].code, 'incomplete');
  });
});

t.test('what is left of a body declares what it still is', async (t) => {
  const uk = 'https://fhir.hl7.org.uk/StructureDefinition/UKCore-AllergyIntolerance';
  const meta = { profile: [uk, 'http://hl7.org/fhir/StructureDefinition/x'] };
  const body = JSON.stringify({
    resourceType: 'AllergyIntolerance',
    id: 'a',
    meta,
    code: { text: 'Nuts' },
    note: [{ text: 'n' }],
  });
  const profiles = (hidden: readonly string[]): unknown => JSON.parse(leaveOut(body, hidden)).meta.profile;
  t.strictSame(profiles(['note']), meta.profile);
  t.strictSame(profiles(['code']), [meta.profile[1]], 'or the claim would tell that there is a code');
});

t.test('order is by type, then id, the same text for the store and here', async (t) => {
  t.equal(sortKey('Patient', 'b'), '001.b');
  const rows = [
    { type: 'Flag', id: 'a' },
    { type: 'Patient', id: 'z' },
    { type: 'Flag', id: 'A' },
  ] as const;
  t.strictSame(
    inOrder(rows).map((row) => row.id),
    ['z', 'A', 'a'],
  );
});

t.test('a consent is shown as it is enforced', async (t) => {
  const organisation = {
    code: 'K82001',
    system: 'https://fhir.nhs.uk/Id/ods-organization-code',
    name: 'Surgery',
    sector: 'health',
    agreements: [],
    roles: { version: '1', base: [], unlisted: 'refuse', roles: {} },
  } as const;
  const recorded = { id: 'c', personId: 'p', source: 'gp', recordedAt: 0 } as const;
  const out = consentResource({ kind: 'opt-out', optedOut: true, ...recorded }, organisation);
  t.equal(out.provision?.type, 'deny');
  t.match(out.policy?.[0]?.uri, /health-optout/);
  const agreed = consentResource(
    { kind: 'agreement', given: true, from: '2026-01-01', givenBy: 'Mother', ...recorded },
    organisation,
  );
  t.equal(agreed.provision?.type, 'permit');
  t.strictSame(agreed.provision?.period, { start: '2026-01-01' });
  t.equal(agreed.performer?.[0]?.display, 'Mother');
});

t.test(
  'an audit event as its patient may read it names roles and organisations, no member of staff',
  async (t) => {
    const event = JSON.stringify({
      resourceType: 'AuditEvent',
      meta: { profile: ['https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.Read'] },
      type: { code: 'rest' },
      recorded: '2026-01-01T00:00:00Z',
      outcomeDesc: 'internal',
      agent: [
        {
          type: { coding: [{ code: 'IRCP' }] },
          name: 'Asha Example',
          who: { display: 'Asha Example', identifier: { value: 'sw-7' } },
          role: [{ text: 'Social worker' }],
          requestor: true,
          policy: ['urn:x'],
          network: { address: '10.0.0.1' },
        },
        { type: { coding: [{ code: 'PROV' }] }, who: { display: 'The Council' }, requestor: false },
      ],
      source: { observer: { display: 'mcr' } },
      entity: [
        { type: { code: '2' }, query: 'c2VjcmV0' },
        { type: { code: '1' }, what: { reference: 'Patient/p' } },
        { type: { code: 'XrequestId' }, what: { identifier: { value: 'request-7' } } },
        {
          type: { code: '4' },
          detail: [
            { type: 'reason', valueString: 'section 47 enquiry' },
            { type: 'same-household', valueString: 'true' },
          ],
        },
      ],
    });
    const shown = auditEventFor('own', false, event);
    t.notMatch(shown, /Asha|sw-7|c2VjcmV0|10\.0\.0\.1|internal/);
    t.notMatch(shown, /BasicAudit/, 'what is left keeps no pattern, and claims none');
    t.match(shown, /Social worker/);
    t.match(shown, /The Council/);
    t.notMatch(shown, /"profile"/, 'what was left out is what the claimed patterns ask for');
    t.notMatch(shown, /section 47|household|request-7/, 'nor what was said to others');
    t.match(auditEventFor('own', true, event), /Asha/, 'unless the organisation names its people');
    t.notMatch(auditEventFor('own', true, event), /sw-7|10\.0\.0\.1/, 'by their name alone');
    const elsewhere = auditEventFor('elsewhere', false, event);
    t.notMatch(
      elsewhere,
      /Asha|sw-7|c2VjcmV0|10\.0\.0\.1|internal|household/,
      'an officer elsewhere reads as little',
    );
    t.match(elsewhere, /section 47/, 'and on what grounds');
    t.match(elsewhere, /request-7/, 'and what the other organisation can find it by');
    t.equal(auditEventFor('whole', false, event), event, 'an officer reads what was written');
  },
);
