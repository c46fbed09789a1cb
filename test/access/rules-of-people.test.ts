import t from 'tap';
import type { Ask } from '../../src/access/ask.ts';
import type { Caller, GovernanceCaller, StaffCaller } from '../../src/access/caller.ts';
import type { ConsentLimits } from '../../src/access/consent-limits.ts';
import { decide } from '../../src/access/decide.ts';
import type { Facts, PersonFacts, RelationshipFact } from '../../src/access/facts.ts';
import type { Organisation, RelationshipPolicy } from '../../src/access/policy.ts';
import {
  CONFIDENTIALITY,
  check,
  directory,
  everything,
  facts,
  HEALTH,
  inOrder,
  OWN_FACTS,
  officer,
  organisation,
  outcome,
  patient,
  person,
  policy,
  ROWS,
  read,
  row,
  SOCIAL,
  search,
  source,
  staff,
  TODAY,
  undeclared,
  without,
} from './world.ts';

const all = everything();
const audit = search('AuditEvent');
const NOW = facts().now;
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

t.test('O-07: a person whose token was launched for somebody else sees nobody', async (t) => {
  check(t, [
    ['for themselves', patient({ launchedFor: 'p0' }), search('Encounter'), own, FOR_PATIENTS],
    ['for a child of theirs', patient({ launchedFor: 'p9' }), search('Encounter'), own, NOT_FOUND],
    ['events', patient({ launchedFor: 'p9' }), audit, own, NOT_FOUND],
  ]);
});

t.test('a token for one person shows nobody else', async (t) => {
  const about = (who: string, more: Partial<StaffCaller> = {}): StaffCaller => staff({ about: who, ...more });
  const numbered = facts({ aboutNumber: 'hmac-p1-superseded' });
  check(t, [
    ['by an id of theirs', about('p0'), all, known, HEALTH],
    ['by a number of theirs', about('9990000018'), all, numbered, HEALTH],
    ['another id', about('p9'), all, known, NOT_FOUND],
    ['another number', about('9990000018'), all, facts({ aboutNumber: 'hmac-p2' }), NOT_FOUND],
    ['a number that nothing is known of', about('9990000018'), all, known, NOT_FOUND],
    ['an officer', officer({ about: 'p9', role: 'access' }), all, known, NOT_FOUND],
    [
      'a directory is about nobody',
      about('p9'),
      directory('Location'),
      facts({ person: 'absent' }),
      ['surgery'],
    ],
    [
      'somebody else is launched for',
      about('p1', { launchedFor: 'p9' }),
      all,
      known,
      'relationship forbidden relationship-required',
    ],
  ]);
});

t.test(
  'rule 7: special protection is passed over by who may, for one named person, with a reason',
  async (t) => {
    const no = 'restricted-person not-found not-found';
    const restricted = of({ restricted: true });
    const over = (more: Partial<StaffCaller> = {}, reason = 'Section 47 enquiry'): StaffCaller =>
      staff({
        role: 'guardian',
        purpose: 'BTG',
        about: 'p1',
        overrides: { rule: 'restricted-person', reason },
        ...more,
      });
    const desk = (more: Partial<GovernanceCaller> = {}): GovernanceCaller =>
      officer({
        role: 'sealed',
        about: 'p1',
        overrides: { rule: 'restricted-person', reason: 'Complaint 12' },
        ...more,
      });
    const { about: _nobody, ...unnamed } = over();
    const { overrides: _none, ...plain } = over();
    const opted = of({ restricted: true, optedOut: true });
    check(t, [
      ['with all of it', over(), all, restricted, HEALTH],
      ['a read by id', over(), read('Condition'), restricted, HEALTH],
      ['launched for them', { ...unnamed, launchedFor: 'p0' }, all, restricted, HEALTH],
      ['an officer, for a case', desk(), all, restricted, HEALTH],
      ['an officer without a case', desk({ caseNumber: '' }), all, restricted, 'purpose forbidden purpose'],
      ['without the claim', { ...plain, purpose: 'TREAT' }, all, restricted, no],
      ['a purpose alone is none', plain, all, restricted, 'purpose forbidden purpose'],
      ['another purpose', over({ purpose: 'TREAT' }), all, restricted, 'purpose forbidden purpose'],
      [
        'another rule',
        over({ overrides: { rule: 'opt-out', reason: 'x' } }),
        all,
        restricted,
        'override forbidden override',
      ],
      [
        'no such rule',
        over({ overrides: { rule: 'labels', reason: 'x' } }),
        all,
        known,
        'override forbidden override',
      ],
      ['a role that may not', over({ role: 'nurse' }), all, restricted, 'override forbidden override'],
      [
        'a role of the desk at work',
        over({ role: 'sealed' }),
        all,
        restricted,
        'override forbidden override',
      ],
      ['a role of work at the desk', desk({ role: 'guardian' }), all, restricted, 'role forbidden role'],
      ['no reason', over({}, ''), all, restricted, 'override invalid override-reason'],
      ['spaces', over({}, ' \u200b '), all, restricted, 'override invalid override-reason'],
      ['too long', over({}, 'x'.repeat(501)), all, restricted, 'override invalid override-reason'],
      ['markup', over({}, '<script>alert(1)</script>'), all, restricted, 'override invalid override-reason'],
      ['nobody is named', unnamed, all, restricted, 'override invalid override-person'],
      ['somebody else is named', over({ about: 'p9' }), all, restricted, NOT_FOUND],
      ['launched for somebody else', { ...unnamed, launchedFor: 'p9' }, all, restricted, no],
      ['an opt-out stands', over(), all, opted, 'opt-out forbidden consent-withdrawn'],
      [
        'so does a relationship',
        { ...over(), declares: { reason: '', until: NOW } },
        all,
        restricted,
        'relationship forbidden relationship-required',
      ],
      [
        'so does own record',
        over(),
        all,
        of({ restricted: true }, { callerNumbers: ['hmac-p1'] }),
        'own-record forbidden own-record',
      ],
      ['whoever is not protected is seen as ever', over(), all, known, HEALTH],
    ]);
    const notes = (caller: Caller, at: Facts): object =>
      Object.assign({}, ...decide(caller, all, at).judgements.map(({ noted: what }) => what));
    t.match(notes(over(), restricted), { override: 'restricted-person', 'for-person': 'p1' });
    t.notMatch(notes(over(), known), { override: /./ }, 'nothing was passed over');
    const refusal = (caller: Caller, at: Facts): unknown => {
      const decision = decide(caller, all, at);
      return decision.outcome === 'refused' && decision.refusal;
    };
    for (const bad of [over({ role: 'nurse' }), over({}, ''), unnamed])
      t.strictSame(
        refusal(bad, restricted),
        refusal(bad, facts({ person: 'unknown' })),
        'a claim that is not good enough is answered alike for whoever is asked for',
      );
  },
);

t.test(
  'C-24: an opt-out is passed over in an emergency where that is on, and never for social care',
  async (t) => {
    const no = 'opt-out forbidden consent-withdrawn';
    const lcs = { source: 'lcs', given: true, from: '2026-01-01' };
    const at = (
      emergencyOverride: 'on' | 'off',
      changes: Partial<PersonFacts> = {},
      more: Partial<Organisation> = {},
    ): Facts =>
      of(
        { optedOut: true, agreements: [lcs], ...changes },
        { policy: policy({ organisations: [organisation('RXQ', { emergencyOverride, ...more })] }) },
      );
    const over = (more: Partial<StaffCaller> = {}): StaffCaller =>
      staff({
        role: 'medic',
        purpose: 'BTG',
        about: 'p1',
        overrides: { rule: 'opt-out', reason: 'Unconscious, no history' },
        ...more,
      });
    const { overrides: _none, ...plain } = over();
    const desk = officer({ role: 'sealed', about: 'p1', overrides: { rule: 'opt-out', reason: 'x' } });
    const limited = (limits: object): Facts => at('on', { optedOut: false, limitedOptOuts: [limits] });
    check(t, [
      ['on', over(), all, at('on'), HEALTH],
      ['off', over(), all, at('off'), 'override forbidden override'],
      ['not said: off', over(), all, of({ optedOut: true }), 'override forbidden override'],
      ['a role that may not', over({ role: 'guardian' }), all, at('on'), 'override forbidden override'],
      [
        'an organisation of social care',
        over(),
        all,
        at('on', {}, { sector: 'social-care' }),
        'override forbidden override',
      ],
      ['an officer', desk, all, at('on'), 'override forbidden override'],
      ['without the claim', { ...plain, purpose: 'ETREAT' }, all, at('on'), no],
      ['the purpose alone', plain, all, at('on'), 'purpose forbidden purpose'],
      [
        'special protection stands',
        over(),
        all,
        at('on', { restricted: true }),
        'restricted-person not-found not-found',
      ],
      [
        'a limited refusal',
        over(),
        all,
        limited({ organisations: ['https://fhir.nhs.uk/Id/ods-organization-code|RXQ'] }),
        HEALTH,
      ],
      [
        'refused for a purpose, the glass is not broken by its name',
        staff({ role: 'medic', purpose: 'BTG', about: 'p1', overrides: { rule: 'opt-out', reason: '' } }),
        all,
        limited({ purposes: ['COC'] }),
        'override invalid override-reason',
      ],
      [
        'who has not opted out is seen as ever',
        over(),
        all,
        at('on', { optedOut: false }),
        inOrder(HEALTH, SOCIAL, ['lcs-worker']),
      ],
    ]);
    const decision = decide(over(), all, at('on'));
    if (decision.outcome !== 'granted') throw new Error('it is open');
    t.notOk(decision.grant.mayState('lcs'), 'nothing is said of social care either');
    t.match(
      decision.judgements.find(({ rule }) => rule === 'opt-out'),
      { noted: { override: 'opt-out' } },
    );
  },
);

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

t.test('rule 5: closeness is noted, for governance alone', async (t) => {
  const noted = (caller: Caller, known: Facts): unknown => {
    const { judgements } = decide(caller, caller.kind === 'governance' ? audit : all, known);
    const found = judgements.find(({ rule }) => rule === 'own-record');
    return found?.noted ?? found?.verdict;
  };
  const lives = facts({ callerNumbers: ['x', 'hmac-of-a-sister'] });
  const named = (name: string): StaffCaller => staff({ user: { id: 'u1', name } });
  const both = { 'same-household': 'true', 'same-family-name': 'true' };
  t.strictSame(noted(staff(), known), 'no-opinion');
  t.strictSame(noted(staff(), lives), { 'same-household': 'true' });
  t.strictSame(noted(officer(), lives), { 'same-household': 'true' }, 'of officers too');
  t.strictSame(noted(named('Dr Jo ÉXAMPLE'), lives), both);
  const composed = of({ familyNames: ['oneilllovas'] });
  for (const name of ["Jo O'Neill Løvås", 'Jo O Neill-Lovas']) {
    t.strictSame(noted(named(name), composed), { 'same-family-name': 'true' }, name);
  }
  for (const name of ['Example', 'Example Jo', 'Jo Examples', '', 'Jo -']) {
    const wanted = name === 'Example' ? { 'same-family-name': 'true' } : 'no-opinion';
    t.strictSame(noted(named(name), known), wanted, `"${name}"`);
  }
  t.strictSame(noted(named('Jo Smith-Example'), known), { 'same-family-name': 'true' }, 'one of two names');
  t.strictSame(outcome(named('Jo Example'), all, lives), HEALTH, 'and what is shown is the same');
});

t.test('rule 6: staff open the records of people whom their organisation cares for', async (t) => {
  const no = 'relationship forbidden relationship-required';
  const encounter = row('acute-encounter', 'acute', 'Encounter');
  type Stated = Partial<RelationshipFact>;
  const cared = (stated: Stated = {}, more: Partial<PersonFacts> = {}, more2: Partial<Facts> = {}): Facts =>
    of({ relationships: [{ kind: 'encounter', from: TODAY, row: encounter, ...stated }], ...more }, more2);
  const demands = (relationship: RelationshipPolicy, changes: Partial<PersonFacts> = {}): Facts =>
    of(changes, { policy: policy({ organisations: [organisation('RXQ', { relationship })] }) });
  const needed = (stated: Stated = {}): Facts => ({
    ...cared(stated),
    policy: policy({ organisations: [organisation('RXQ', { relationship: 'required' })] }),
  });
  const nobody = undeclared();
  const strict = of(
    {},
    { policy: policy({ organisations: [organisation('RXQ', { declaredFor: 'named' })] }) },
  );
  const { declaredFor: _anyone, ...silent } = organisation('RXQ');
  const unsaid = of({}, { policy: policy({ organisations: [silent] }) });
  const says = (reason: string, until = NOW + 1): StaffCaller => staff({ declares: { reason, until } });
  const lcs = { source: 'lcs', given: true, from: '2026-01-01' };
  const team = { kind: 'involvement', row: row('lcs-team', 'lcs', 'CareTeam') } as const;
  const labelled = { row: { ...encounter, labels: [`${CONFIDENTIALITY}|R`] } };
  const unshared = policy({ sources: [source('acute', 2, 'RXQ', { shares: { Patient: {} } })] });
  const declare: Ask = { ...all, interaction: 'declare-relationship' };
  const both = inOrder(HEALTH, SOCIAL, ['lcs-worker']);
  check(t, [
    ['none', nobody, all, known, no],
    ['none, a search', nobody, search('Observation'), known, no],
    ['none, a read by id', nobody, read('Condition'), known, no],
    ['recorded', nobody, all, cared(), HEALTH],
    ['begins tomorrow', nobody, all, cared({ from: '2026-11-23' }), no],
    ['ends today', nobody, all, cared({ from: '2026-01-01', to: TODAY }), HEALTH],
    ['ended yesterday', nobody, all, cared({ from: '2026-01-01', to: '2026-11-21' }), no],
    ['of a source in doubt', nobody, all, cared({}, { quarantined: ['acute'] }), no],
    ['by a row that a label hides', nobody, all, cared(labelled), no],
    ['by a type that is not shared', nobody, all, cared({}, {}, { policy: unshared }), no],
    ['by social care, not agreed', nobody, all, cared(team), no],
    ['by social care, agreed', nobody, all, cared(team, { agreements: [lcs] }), both],
    [
      'a token for fewer types',
      undeclared({}, 'user/Observation.rs'),
      all,
      cared(),
      'scopes forbidden scopes',
    ],
    [
      'does not end the care',
      undeclared({}, 'user/Observation.rs'),
      search('Observation'),
      cared(),
      ['gp-lab', 'gp-vital', 'surgery'].filter((id) => id !== 'surgery'),
    ],
    ['declared in the token', says('Her named nurse'), all, known, HEALTH],
    ['without a reason', says(' - '), all, known, no],
    ['its time is over', says('Her named nurse', NOW), all, known, no],
    ['named only: nobody is', staff(), all, strict, no],
    ['named only is the default', staff(), all, unsaid, no],
    ['named only: they are', staff({ about: 'p1' }), all, strict, HEALTH],
    ['named only: launched for', staff({ launchedFor: 'p1' }), all, strict, HEALTH],
    ['for the person launched for', staff({ launchedFor: 'p0' }), all, known, HEALTH],
    ['not for another', staff({ launchedFor: 'p9' }), all, known, no],
    ['declared before', nobody, all, of({ declaredUntil: NOW + 1 }), HEALTH],
    ['declared before, over', nobody, all, of({ declaredUntil: NOW }), no],
    ['a declaration itself', nobody, declare, known, HEALTH],
    ['required: declared is not enough', staff(), all, demands('required'), no],
    ['nor declared before', nobody, all, demands('required', { declaredUntil: NOW + 1 }), no],
    ['nor can it be', nobody, declare, demands('required'), no],
    ['required: recorded', nobody, all, needed(), HEALTH],
    ['off', nobody, all, demands('off'), HEALTH],
    ['a patient', patient(), search('Encounter'), own, FOR_PATIENTS],
    ['an officer', officer(), all, known, HEALTH],
    ['a directory', nobody, directory('Location'), facts({ person: 'absent' }), ['surgery']],
    ['nobody in particular', nobody, search('Condition'), facts({ person: 'absent' }), NOT_FOUND],
    [
      'a restricted person is not found',
      nobody,
      all,
      of({ restricted: true }),
      'restricted-person not-found not-found',
    ],
    [
      'own record comes first',
      nobody,
      all,
      facts({ callerNumbers: ['hmac-p1'] }),
      'own-record forbidden own-record',
    ],
    ['so does an opt-out', nobody, all, of({ optedOut: true }), 'opt-out forbidden consent-withdrawn'],
  ]);
  const asUnknown = (changes: Partial<PersonFacts>): unknown => {
    const decision = decide(nobody, all, of(changes));
    return decision.outcome === 'refused' && { ...decision.refusal, rule: '' };
  };
  const unknown = decide(nobody, all, facts({ person: 'unknown' }));
  const never = unknown.outcome === 'refused' && { ...unknown.refusal, rule: '' };
  t.strictSame(asUnknown({ knownTo: ['lcs'] }), never, 'known to social care alone: as unknown');
  t.strictSame(asUnknown({ knownTo: [] }), never, 'known to nobody: as unknown');
  t.strictSame(asUnknown({ knownTo: ['gp'], quarantined: ['gp'] }), never, 'a source in doubt says nothing');
  const noted = (caller: Caller, at: Facts): unknown =>
    Object.assign({}, ...decide(caller, all, at).judgements.map((judgement) => judgement.noted));
  t.match(noted(nobody, cared()), { relationship: 'encounter' }, 'the audit keeps which it was');
  t.match(noted(staff(), cared()), { relationship: 'encounter' }, 'recorded comes before declared');
  t.match(noted(staff(), known), { relationship: 'declared' });
  t.match(noted(nobody, demands('off')), { relationship: 'off' });
});

t.test('rule 8, C-04: an opt-out hides every sector from staff and says so, or as configured', async (t) => {
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
});

t.test('rules 8 and 9: a consent may be about some organisations, purposes, types or days', async (t) => {
  const ods = 'https://fhir.nhs.uk/Id/ods-organization-code';
  const no = 'opt-out forbidden consent-withdrawn';
  const without8 = (...limitedOptOuts: readonly ConsentLimits[]): Facts => of({ limitedOptOuts });
  const forCare = staff({ purpose: 'CAREMGT' });
  const few = inOrder([
    'gp-patient',
    'gp-lab',
    'gp-vital',
    'gp-consent',
    'acute-patient',
    'acute-encounter',
    'surgery',
  ]);
  const both = inOrder(HEALTH, SOCIAL, ['lcs-worker']);
  const given = { source: 'lcs', given: true, from: '2026-01-01' };
  const agreed = (limits: ConsentLimits, more: Partial<Facts> = {}): Facts =>
    of({ agreements: [{ ...given, limits }] }, more);
  check(t, [
    ['refused to this organisation', staff(), all, without8({ organisations: [`${ods}|RXQ`] }), no],
    ['refused to another', staff(), all, without8({ organisations: [`${ods}|K82001`] }), HEALTH],
    ['by a code of another system', staff(), all, without8({ organisations: ['x|RXQ'] }), HEALTH],
    ['refused for this purpose', forCare, all, without8({ purposes: ['CAREMGT'] }), no],
    ['for another', staff(), all, without8({ purposes: ['CAREMGT'] }), HEALTH],
    ['refused until today', staff(), all, without8({ to: TODAY }), no],
    ['until yesterday', staff(), all, without8({ to: '2026-11-21' }), HEALTH],
    ['from tomorrow', staff(), all, without8({ from: '2026-11-23' }), HEALTH],
    ['of some types', staff(), all, without8({ types: ['Condition'] }), few],
    ['asked for alone', staff(), search('Condition'), without8({ types: ['Condition'] }), few],
    [
      'of some types, to another',
      staff(),
      all,
      without8({ types: ['Condition'], organisations: ['x|y'] }),
      HEALTH,
    ],
    ['one of two is met', staff(), all, without8({ organisations: ['x|y'] }, { to: TODAY }), no],
    [
      'all of one must be',
      staff(),
      all,
      without8({ organisations: [`${ods}|RXQ`], to: '2026-11-21' }),
      HEALTH,
    ],
    ['the person', patient(), all, of({ limitedOptOuts: [{ to: TODAY }] }, OWN_FACTS), FOR_PATIENTS],
    ['a privacy officer', officer(), all, without8({ purposes: ['CAREMGT'] }), no],
    [
      'subject access',
      officer({ role: 'access' }),
      all,
      without8({ to: TODAY }),
      inOrder(HEALTH, SOCIAL, ['lcs-worker']),
    ],
    ['agreed for this organisation', staff(), all, agreed({ organisations: [`${ods}|RXQ`] }), both],
    ['for another', staff(), all, agreed({ organisations: [`${ods}|K82001`] }), HEALTH],
    ['for nobody', staff(), all, agreed({ organisations: [] }), HEALTH],
    ['for this purpose', forCare, all, agreed({ purposes: ['CAREMGT'] }), both],
    ['for another purpose', staff(), all, agreed({ purposes: ['CAREMGT'] }), HEALTH],
    ['for some types', staff(), all, agreed({ types: ['CareTeam'] }), inOrder(HEALTH, ['lcs-team'])],
    [
      'the person, who agreed',
      patient(),
      search('CareTeam'),
      agreed({ organisations: [] }, OWN_FACTS),
      inOrder(FOR_PATIENTS, SOCIAL, ['lcs-worker']),
    ],
    ['an officer for a purpose of care', officer(), all, agreed({ purposes: ['TREAT'] }), HEALTH],
    [
      'of merged people both',
      staff(),
      all,
      of({ agreements: [given, { ...given, limits: { organisations: [] } }] }),
      HEALTH,
    ],
  ]);
});

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
