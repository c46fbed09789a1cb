import t from 'tap';
import { decide } from '../../src/access/decide.ts';
import type { Facts, PersonFacts } from '../../src/access/facts.ts';
import {
  check,
  directory,
  everything,
  facts,
  HEALTH,
  inOrder,
  OWN_FACTS,
  officer,
  outcome,
  patient,
  person,
  policy,
  ROWS,
  read,
  SOCIAL,
  search,
  staff,
  TODAY,
  without,
} from './world.ts';

const all = everything();
const audit = search('AuditEvent');
const known = facts();
const own = facts(OWN_FACTS);
const AUDIT = ['audit-rxq', 'audit-council', 'audit-self'];
const NOT_FOUND = 'person not-found not-found';
const FOR_PATIENTS = without(HEALTH, 'gp-nopat', 'gp-third-party');
/** a fact that should be there and is not */
const gap = JSON.parse('{}') as { readonly no: boolean };

function of(changes: Partial<PersonFacts>, more: Partial<Facts> = {}): Facts {
  return facts({ person: person(changes), ...more });
}

t.test('one known person, and for patients their own', async (t) => {
  const unknown = facts({ person: 'unknown' });
  const other = facts({ callerNumbers: ['hmac-p2'] });
  const superseded = facts({ callerNumbers: ['hmac-p1-superseded'] });
  const acute = ['acute-patient', 'acute-encounter', 'surgery'];
  check(t, [
    ['staff', staff(), all, known, HEALTH],
    ['unknown to staff', staff(), all, unknown, NOT_FOUND],
    ['unknown to an officer', officer(), audit, unknown, NOT_FOUND],
    ['unknown to a patient', patient(), all, { ...unknown, ...OWN_FACTS }, NOT_FOUND],
    ['another to a patient', patient(), all, other, NOT_FOUND],
    ["a patient's number is not known", patient(), all, facts({ callerNumbers: [] }), NOT_FOUND],
    ['own, by a superseded number', patient(), search('Encounter'), superseded, FOR_PATIENTS],
    ['own audit events', patient(), audit, own, AUDIT],
    ["another's audit events", patient(), audit, other, NOT_FOUND],
    ['nobody in particular', staff(), search('Condition'), facts({ person: 'absent' }), NOT_FOUND],
    [
      'nobody in particular, to an officer',
      officer(),
      search('Condition'),
      facts({ person: 'absent' }),
      NOT_FOUND,
    ],
    ['nobody, to a patient', patient(), audit, facts({ person: 'absent', ...OWN_FACTS }), NOT_FOUND],
    ['a source that may mean somebody else', staff(), all, of({ quarantined: ['gp'] }), acute],
  ]);
  t.strictSame(
    decide(patient(), all, facts({ callerNumbers: ['x'] })),
    decide(patient(), all, facts({ callerNumbers: ['x'], person: 'unknown' })),
    'somebody else is refused exactly as somebody unknown',
  );
});

t.test('rule 7: a restricted person is as unknown', async (t) => {
  const no = 'restricted-person not-found not-found';
  const restricted = of({ restricted: true, optedOut: true });
  check(t, [
    ['staff', staff(), all, restricted, no],
    ['a read by id', staff(), read('Condition'), restricted, no],
    ['the patient', patient(), all, { ...restricted, ...OWN_FACTS }, no],
    ['an officer', officer({ role: 'access' }), all, restricted, no],
    ['the audit log loses nobody', officer(), audit, restricted, ['audit-rxq']],
    ['own restricted record', staff(), all, of({ restricted: true }, { callerNumbers: ['hmac-p1'] }), no],
    ['a gap restricts', staff(), all, of({ restricted: gap.no }), no],
  ]);
  const hidden = decide(staff(), all, restricted);
  const unknown = decide(staff(), all, facts({ person: 'unknown' }));
  if (hidden.outcome !== 'refused' || unknown.outcome !== 'refused') throw new Error('both are refusals');
  t.strictSame(
    { ...hidden.refusal, rule: '' },
    { ...unknown.refusal, rule: '' },
    'but for the rule: for the audit',
  );
});

t.test('rule 5: nobody opens their own record with a work login', async (t) => {
  const no = 'own-record forbidden own-record';
  const attest = 'attestation forbidden own-record-attestation';
  const self = facts({ callerNumbers: ['hmac-p1'] });
  const superseded = facts({ callerNumbers: ['x', 'hmac-p1-superseded'] });
  const unlinked = facts({ callerNumbers: [] });
  const across = facts({ person: 'absent' });
  const acrossUnlinked = facts({ person: 'absent', callerNumbers: [] });
  check(t, [
    ['own', staff(), all, self, no],
    ['own, by one of several numbers', staff(), all, superseded, no],
    ['own, by the id of a resource', staff(), read('Observation'), self, no],
    ['own, and declared not to be', staff({ attestsNotOwn: true }), all, self, no],
    ["an officer's own", officer(), audit, self, no],
    ['own number not known', staff(), all, unlinked, attest],
    ["an officer's not known", officer(), audit, unlinked, attest],
    ['the same where nobody is known', staff(), all, facts({ person: 'unknown', callerNumbers: [] }), attest],
    ['declared', staff({ attestsNotOwn: true }), all, unlinked, HEALTH],
    ['a directory asks nothing', staff(), directory('Location'), acrossUnlinked, ['surgery']],
    ['an audit search across people, not known', officer(), audit, acrossUnlinked, attest],
  ]);
  const events = ROWS.filter((row) => row.type === 'AuditEvent').map((row) => ({
    ...row,
    organisation: 'RXQ',
  }));
  const numbered = events.map((row) => ({
    ...row,
    numbers: [row.id === 'audit-self' ? 'hmac-of-the-user' : 'x'],
  }));
  const about = events.map((row) => ({ ...row, personId: '' }));
  t.strictSame(
    outcome(officer(), audit, across, events),
    [],
    'an event that cannot be compared is not shown',
  );
  t.strictSame(
    outcome(officer(), audit, across, numbered),
    ['audit-rxq', 'audit-council'],
    'own events are not',
  );
  t.strictSame(outcome(officer(), audit, across, about), AUDIT, 'events about nobody are');
  const declared = outcome(officer({ attestsNotOwn: true }), audit, acrossUnlinked, events);
  t.strictSame(declared, AUDIT, 'a declaration holds for a search');
});

t.test(
  'rule 8, C-04: an opt-out hides every sector from staff and says so, or those that are configured',
  async (t) => {
    const no = 'opt-out forbidden consent-withdrawn';
    const out = { optedOut: true, agreements: [{ source: 'lcs', given: true, from: '2026-01-01' }] };
    const hides = (...optOutHides: ('health' | 'social-care')[]): Facts =>
      of(out, { policy: policy({ optOutHides }) });
    const cases = inOrder(HEALTH, SOCIAL, ['lcs-worker']);
    check(t, [
      ['staff', staff(), all, of(out), no],
      ['staff of social care', staff({ organisation: 'COUNCIL' }), search('CareTeam'), of(out), no],
      ['their consents too', staff(), search('Consent'), of(out), no],
      ['the person', patient(), all, of({ optedOut: true }, OWN_FACTS), FOR_PATIENTS],
      ['a privacy officer', officer(), all, of(out), no],
      ['subject access', officer({ role: 'access' }), all, of({ optedOut: true }), cases],
      ['incidents', officer({ role: 'central' }), search('Encounter'), of({ optedOut: true }), cases],
      ['the audit log', officer(), audit, of(out), ['audit-rxq']],
      [
        'own record comes first',
        staff(),
        all,
        of(out, { callerNumbers: ['hmac-p1'] }),
        'own-record forbidden own-record',
      ],
      [
        'health alone, as configured',
        staff(),
        all,
        hides('health'),
        inOrder(SOCIAL, ['surgery', 'lcs-worker']),
      ],
      ['no list is no narrowing', staff(), all, hides(), no],
      ['nor is a list without health', staff(), all, hides('social-care'), no],
      ['a gap is an opt-out', staff(), all, of({ optedOut: gap.no }), no],
    ]);
  },
);

t.test('rule 9, C-09: social care is shown while an agreement is in force', async (t) => {
  const lcs = { source: 'lcs', given: true, from: '2026-01-01' };
  const agreed = (...agreements: PersonFacts['agreements']): Facts => of({ agreements });
  const both = inOrder(HEALTH, SOCIAL, ['lcs-worker']);
  const forPatients = inOrder(FOR_PATIENTS, SOCIAL, ['lcs-worker']);
  check(t, [
    ['none', staff(), all, agreed(), HEALTH],
    ['given', staff(), all, agreed(lcs), both],
    ['not given', staff(), all, agreed({ ...lcs, given: false }), HEALTH],
    ['without a beginning', staff(), all, agreed({ source: 'lcs', given: true }), HEALTH],
    ['begins today', staff(), all, agreed({ ...lcs, from: TODAY }), both],
    ['begins tomorrow', staff(), all, agreed({ ...lcs, from: '2026-11-23' }), HEALTH],
    ['ends today', staff(), all, agreed({ ...lcs, to: TODAY }), both],
    ['ended yesterday', staff(), all, agreed({ ...lcs, to: '2026-11-21' }), HEALTH],
    ['another source', staff(), all, agreed({ ...lcs, source: 'acute' }), HEALTH],
    ['of merged people one has not agreed', staff(), all, agreed(lcs, { ...lcs, given: false }), HEALTH],
    ['social care staff themselves', staff({ organisation: 'COUNCIL' }), all, agreed(), HEALTH],
    ['the patient without', patient(), search('CareTeam'), own, FOR_PATIENTS],
    ['the patient with', patient(), search('CareTeam'), of({ agreements: [lcs] }, OWN_FACTS), forPatients],
    ['a privacy officer without', officer(), all, agreed(), HEALTH],
    [
      'a directory betrays no worker',
      staff(),
      directory('Practitioner'),
      facts({ person: 'absent' }),
      ['surgery'],
    ],
  ]);
});
