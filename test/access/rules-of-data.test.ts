import t from 'tap';
import type { Caller } from '../../src/access/caller.ts';
import { decide } from '../../src/access/decide.ts';
import type { Facts, RowFacts } from '../../src/access/facts.ts';
import type { SharedType } from '../../src/access/policy.ts';
import type { ServedTypeName } from '../../src/fhir/served.ts';
import {
  CONFIDENTIALITY,
  check,
  everything,
  facts,
  LAB,
  OWN_FACTS,
  officer,
  outcome,
  patient,
  policy,
  ROWS,
  search,
  source,
  staff,
  TODAY,
} from './world.ts';

const all = everything();
const audit = search('AuditEvent');
const known = facts();
const own = facts(OWN_FACTS);

t.test('rule 10: each organisation decides what it shares', async (t) => {
  const sharing = (shares: Partial<Record<ServedTypeName, SharedType>>): Facts =>
    facts({ policy: policy({ sources: [source('gp', 1, 'K82001', { shares })] }) });
  const tomorrow = { days: { from: '2026-11-23' } };
  const problem = 'http://snomed.info/sct|38341003';
  const acute = ['acute-patient', 'acute-encounter'];
  const consent = ['gp-consent', ...acute];
  check(t, [
    ['nothing named, nothing shared but our own records', staff(), all, sharing({}), consent],
    ['a type', staff(), all, sharing({ Patient: {} }), ['gp-patient', ...consent]],
    ['from tomorrow', staff(), all, sharing({ Patient: tomorrow }), consent],
    [
      'until today',
      staff(),
      all,
      sharing({ Patient: { days: { from: TODAY, to: TODAY } } }),
      ['gp-patient', ...consent],
    ],
    [
      'but for a category',
      staff(),
      all,
      sharing({ Observation: { exceptCategories: [LAB] } }),
      ['gp-vital', ...consent],
    ],
    [
      'but for a code',
      staff(),
      all,
      sharing({ Condition: { exceptCodes: [problem] } }),
      ['gp-nopat', 'gp-third-party', ...consent],
    ],
    ['consents too', staff(), all, sharing({ Consent: tomorrow }), acute],
    [
      'for the patient as well',
      patient(),
      all,
      { ...sharing({ Patient: {} }), ...OWN_FACTS },
      ['gp-patient', ...consent],
    ],
    ['the audit log', officer(), audit, sharing({}), ['audit-rxq']],
  ]);
  const decision = decide(staff(), all, sharing({ Patient: { exceptElements: ['telecom', 'address'] } }));
  if (decision.outcome !== 'granted') throw new Error('granted');
  const hidden = ROWS.slice(0, 2).map((row) => decision.grant.hiddenElements(row));
  t.strictSame(hidden, [['telecom', 'address'], []], 'elements of the type are removed');
});

t.test('rule 11: labels withhold', async (t) => {
  const seen = (caller: Caller, known: Facts, ...labels: string[]): boolean => {
    const row = {
      id: 'x',
      personId: 'p1',
      type: 'Condition',
      source: 'gp',
      categories: [],
      codes: [],
      labels,
    } as const;
    return outcome(caller, all, known, [row]).length > 0;
  };
  const old = [
    'http://hl7.org/fhir/v3/Confidentiality|R',
    'urn:oid:2.16.840.1.113883.5.25|V',
    'https://terminology.hl7.org/CodeSystem/v3-Confidentiality|R',
    'https://partner.example/labels|R',
    '|',
  ];
  const restricted = ['R', 'V', 'X', '', 'n'].map((code) => `${CONFIDENTIALITY}|${code}`);
  const ordinary = ['N', 'U', 'L', 'M'].map((code) => `${CONFIDENTIALITY}|${code}`);
  const foreign = [
    'http://terminology.hl7.org/CodeSystem/v3-ActCode|PSY',
    'https://partner.example/labels|X',
    'x',
  ];
  const everybody = [
    [staff(), known],
    [patient(), own],
    [officer({ role: 'access' }), known],
  ] as const;
  for (const [caller, facts] of everybody) {
    for (const label of [...restricted, ...old, '|R', 'V'])
      t.notOk(seen(caller, facts, label), `${caller.kind} ${label}`);
    for (const label of [...ordinary, ...foreign])
      t.ok(seen(caller, facts, label), `${caller.kind} ${label}`);
    t.notOk(seen(caller, facts, `${CONFIDENTIALITY}|N`, `${CONFIDENTIALITY}|R`), 'the strictest counts');
  }
  const event = {
    ...ROWS.find((row) => row.id === 'audit-rxq'),
    labels: [`${CONFIDENTIALITY}|R`],
  } as RowFacts;
  t.strictSame(outcome(officer(), audit, known, [event]), ['audit-rxq'], 'no label closes the audit log');
  t.strictSame(outcome(patient(), audit, own, [event]), [], 'but to officers');
  // NOPAT and third-party: what patients do not see of the rows above
  t.ok(seen(staff(), known, 'http://terminology.hl7.org/CodeSystem/v3-ActCode|NOPAT'));
  t.notOk(seen(patient(), own, 'http://hl7.org/fhir/v3/ActCode|NOPAT'), 'by its older name');
});
