import fc from 'fast-check';
import t from 'tap';
import type { Ask } from '../../src/access/ask.ts';
import type { Caller } from '../../src/access/caller.ts';
import { decide } from '../../src/access/decide.ts';
import { explain, verdictsKept } from '../../src/access/explain.ts';
import { FACTS_OF } from '../../src/access/explained-facts.ts';
import type { Facts } from '../../src/access/facts.ts';
import { RULES } from '../../src/access/rules.ts';
import { parseScopes, scopeText } from '../../src/access/scopes.ts';
import { anyQuestion } from './questions.ts';
import {
  directory,
  everything,
  facts,
  officer,
  patient,
  person,
  policy,
  row,
  search,
  staff,
  system,
  undeclared,
} from './world.ts';

const EVERYBODY = (): boolean => true;
const NOBODY = (): boolean => false;

function of(rule: string, caller: Caller, ask: Ask, known: Facts, mayKnow = EVERYBODY) {
  const found = explain(caller, ask, known, mayKnow).rules.find((one) => one.rule === rule);
  if (found === undefined) throw new Error(`${rule} is not explained.`);
  return { verdict: found.verdict, ...Object.fromEntries(found.facts) };
}

t.test('an explanation is what decide decided, rule by rule, in the order of the policy', async (t) => {
  fc.assert(
    fc.property(anyQuestion, ({ caller, ask, facts: known }) => {
      const [explained, decided] = [explain(caller, ask, known, EVERYBODY), decide(caller, ask, known)];
      const verdicts = explained.rules.map(({ rule, verdict, reason }) => ({
        rule,
        verdict,
        ...(reason === undefined ? {} : { reason }),
      }));
      return (
        explained.outcome === decided.outcome &&
        // what is noted for the audit is no verdict
        JSON.stringify(verdicts) ===
          JSON.stringify(decided.judgements.map(({ noted: _, ...judgement }) => judgement)) &&
        explained.refusal?.rule === (decided.outcome === 'refused' ? decided.refusal.rule : undefined) &&
        explained.refusal?.reason === (decided.outcome === 'refused' ? decided.refusal.reason : undefined)
      );
    }),
    { numRuns: 500 },
  );
  const { rules, policyVersion, publication, epoch } = explain(staff(), everything(), facts(), EVERYBODY);
  t.strictSame(
    rules.map(({ rule, number, says, cites }) => ({ name: rule, number, says, cites })),
    RULES.map(({ name, number, says, cites }) => ({ name, number, says, cites })),
  );
  t.strictSame([policyVersion, publication, epoch], ['test', 40, 7]);
  t.strictSame(
    Object.keys(FACTS_OF).sort(),
    RULES.map(({ name }) => name).sort(),
    'and no rule lacks its facts',
  );
});

const SIGNED = 'sources of organisations that have not';
const unlisted = policy({ organisations: [] });
const cases: readonly [rule: string, what: string, got: () => object, expected: object][] = [
  [
    'scopes',
    'what the token allows and what was asked',
    () =>
      of(
        'scopes',
        staff({}, 'user/Observation.rs?category=a%7Cb user/Patient.r'),
        search('Condition'),
        facts(),
      ),
    {
      verdict: 'deny',
      'scopes of the token': 'user/Observation.rs?category=a%7Cb user/Patient.r',
      asked: 'search-type Condition',
    },
  ],
  [
    'scopes',
    'what a condition looks into',
    () => of('scopes', staff(), { ...search('Condition'), looksInto: ['Encounter'] }, facts()),
    { verdict: 'withhold', asked: 'search-type Condition Encounter' },
  ],
  [
    'agreement',
    'signed, and which sources have not',
    () => of('agreement', staff(), everything(), facts()),
    { verdict: 'withhold', 'organisation has signed': 'yes', [SIGNED]: 'unsigned' },
  ],
  [
    'agreement',
    'not signed',
    () => of('agreement', staff({ organisation: 'K82999' }), everything(), facts()),
    { verdict: 'deny', 'organisation has signed': 'no' },
  ],
  [
    'agreement',
    'of a person only the sources',
    () => of('agreement', patient(), everything(), facts()),
    { verdict: 'withhold', [SIGNED]: 'unsigned' },
  ],
  [
    'role',
    'listed',
    () => of('role', staff({ role: 'clerk' }), everything(), facts()),
    {
      verdict: 'withhold',
      role: 'clerk',
      "listed in the organisation's table": 'yes',
      'classes of the role': 'demographics, encounters',
    },
  ],
  [
    'role',
    'not listed',
    () => of('role', staff(), everything(), facts()),
    {
      verdict: 'withhold',
      role: 'nurse',
      "listed in the organisation's table": 'no',
      'roles not listed': 'base',
    },
  ],
  [
    'role',
    'an organisation that is not known',
    () => of('role', staff({ organisation: 'X' }), everything(), facts({ policy: unlisted })),
    { verdict: 'deny', 'roles not listed': 'refuse', 'classes of everybody': 'none' },
  ],
  [
    'role',
    'not of a system',
    () => of('role', system(), directory('Location'), facts()),
    { verdict: 'does-not-apply' },
  ],
  [
    'purpose',
    "staff's",
    () => of('purpose', staff(), everything(), facts()),
    { verdict: 'allow', purpose: 'TREAT', reason: 'On my ward' },
  ],
  [
    'purpose',
    "an officer's",
    () => of('purpose', officer({ caseNumber: '' }), everything(), facts()),
    { verdict: 'deny', purpose: 'governance', 'case number': '' },
  ],
  [
    'purpose',
    'of a person none',
    () => of('purpose', patient(), everything(), facts()),
    { verdict: 'allow' },
  ],
  [
    'override',
    'what the token claims, and whether the role may',
    () =>
      of(
        'override',
        staff({ role: 'nurse', about: 'p1', overrides: { rule: 'restricted-person', reason: 'Enquiry' } }),
        everything(),
        facts(),
      ),
    {
      verdict: 'deny',
      'rule that the token overrides': 'restricted-person',
      'reason of the override': 'Enquiry',
      'the role may override it': 'no',
    },
  ],
  [
    'override',
    'nothing',
    () => of('override', staff(), everything(), facts()),
    { verdict: 'no-opinion', 'rule that the token overrides': 'none' },
  ],
  [
    'attestation',
    'number known',
    () => of('attestation', staff(), everything(), facts()),
    {
      verdict: 'no-opinion',
      "the user's own number is known": 'yes',
      'the user declared that the record is not theirs': 'no',
    },
  ],
  [
    'attestation',
    'neither known nor declared',
    () => of('attestation', staff(), everything(), facts({ callerNumbers: [] })),
    {
      verdict: 'deny',
      "the user's own number is known": 'no',
      'the user declared that the record is not theirs': 'no',
    },
  ],
  [
    'person',
    'known',
    () => of('person', staff(), everything(), facts({ person: person({ quarantined: ['lcs', 'gp'] }) })),
    {
      verdict: 'withhold',
      'known by what was asked': 'yes',
      'sources set aside because of a conflicting identity': 'lcs, gp',
    },
  ],
  [
    'person',
    'a source that may not be known of',
    () =>
      of(
        'person',
        staff(),
        everything(),
        facts({ person: person({ quarantined: ['lcs', 'gp'] }) }),
        (source?: string) => source === 'gp',
      ),
    { 'sources set aside because of a conflicting identity': 'gp' },
  ],
  [
    'person',
    'unknown',
    () => of('person', staff(), everything(), facts({ person: 'unknown' })),
    { verdict: 'deny', 'known by what was asked': 'no' },
  ],
  [
    'restricted-person',
    'yes',
    () => of('restricted-person', staff(), everything(), facts({ person: person({ restricted: true }) })),
    { verdict: 'deny', 'under special protection': 'yes' },
  ],
  [
    'restricted-person',
    'no',
    () => of('restricted-person', staff(), everything(), facts()),
    { verdict: 'no-opinion', 'under special protection': 'no' },
  ],
  [
    'own-record',
    'own',
    () => of('own-record', staff(), everything(), facts({ callerNumbers: ['hmac-p1-superseded'] })),
    { verdict: 'deny', "the person's number is the user's own": 'yes' },
  ],
  [
    'own-record',
    "another's",
    () => of('own-record', staff(), everything(), facts()),
    { verdict: 'no-opinion', "the person's number is the user's own": 'no' },
  ],
  [
    'own-record',
    'nobody',
    () => of('own-record', staff(), everything(), facts({ person: 'unknown' })),
    { verdict: 'no-opinion' },
  ],
  [
    'opt-out',
    'out',
    () => of('opt-out', staff(), everything(), facts({ person: person({ optedOut: true }) })),
    { verdict: 'deny', 'opted out': 'yes', 'sectors that an opt-out hides': 'health, social-care' },
  ],
  [
    'opt-out',
    'in',
    () => of('opt-out', staff(), everything(), facts()),
    { verdict: 'no-opinion', 'opted out': 'no' },
  ],
  [
    'past-record',
    'the record as it is',
    () => of('past-record', staff(), everything(), facts()),
    { verdict: 'no-opinion', 'of an earlier instant': 'no' },
  ],
  [
    'past-record',
    'the record as it was',
    () => of('past-record', staff(), { ...everything(), interaction: 'as-at', asAt: 5 }, facts({ at: 5 })),
    { verdict: 'deny', 'of an earlier instant': '1970-01-01T00:00:00.005Z' },
  ],
  [
    'relationship',
    'none',
    () => of('relationship', undeclared(), everything(), facts()),
    {
      verdict: 'deny',
      'relationship that the organisation asks for': 'declared',
      'declared with the token': 'no',
      'declared before': 'no',
      recorded: 'none',
    },
  ],
  [
    'relationship',
    'recorded, and declared before',
    () => of('relationship', undeclared(), everything(), facts({ person: cared() })),
    {
      verdict: 'no-opinion',
      'declared before': 'until 1970-01-01T00:00:00.007Z',
      recorded: 'encounter of acute, from 2026-11-01 until further notice',
    },
  ],
  [
    'relationship',
    'recorded by a source that the reader may not know of',
    () => of('relationship', undeclared(), everything(), facts({ person: cared() }), NOBODY),
    { recorded: 'none' },
  ],
  [
    'relationship',
    'of a directory nothing is asked',
    () => of('relationship', staff(), directory('Location'), facts({ person: 'absent' })),
    { verdict: 'no-opinion' },
  ],
  [
    'social-care-agreement',
    'given, for a time',
    () =>
      of(
        'social-care-agreement',
        staff(),
        everything(),
        facts({
          person: person({
            agreements: [{ source: 'lcs', given: true, from: '2026-01-01', to: '2026-12-31' }],
          }),
        }),
      ),
    { verdict: 'withhold', 'agreement with lcs': 'given, from 2026-01-01 until 2026-12-31' },
  ],
  [
    'social-care-agreement',
    'not given',
    () =>
      of(
        'social-care-agreement',
        staff(),
        everything(),
        facts({ person: person({ agreements: [{ source: 'lcs', given: false }] }) }),
      ),
    { verdict: 'withhold', 'agreement with lcs': 'not given' },
  ],
  [
    'sharing',
    'sources that do not share the type',
    () => of('sharing', staff(), search('Condition'), facts()),
    { verdict: 'withhold', 'sources that do not share Condition on 2026-11-22': 'none' },
  ],
  [
    'sharing',
    'not yet, no more, not at all',
    () => of('sharing', staff(), search('Condition'), facts({ policy: narrowed() })),
    { 'sources that do not share Condition on 2026-11-22': 'gp, acute, lcs' },
  ],
  [
    'labels',
    'entry by entry',
    () => of('labels', staff(), everything(), facts()),
    { verdict: 'withhold', judged: 'entry by entry' },
  ],
];

function cared() {
  const encounter = row('acute-encounter', 'acute', 'Encounter');
  return person({
    relationships: [{ kind: 'encounter', from: '2026-11-01', row: encounter }],
    declaredUntil: 7,
  });
}

function narrowed() {
  const { sources } = policy();
  const changed = [...sources.values()].map((source) => {
    const { Condition: _none, ...rest } = source.shares;
    const shares = {
      gp: { ...rest, Condition: { days: { from: '2026-11-23' } } },
      acute: { ...rest, Condition: { days: { from: '2020-01-01', to: '2026-11-21' } } },
      lcs: rest,
      unsigned: { ...rest, Condition: { days: { from: '2026-11-22', to: '2026-11-22' } } },
    }[source.code];
    return { ...source, ...(shares === undefined ? {} : { shares }) };
  });
  return policy({ sources: changed });
}

t.test('each rule with the facts it looked at', async (t) => {
  for (const [rule, what, got, expected] of cases) {
    const explained = Object.entries(got()).filter(([name]) => Object.hasOwn(expected, name));
    t.strictSame(Object.fromEntries(explained), expected, `${rule}: ${what}`);
  }
  t.strictSame([...new Set(cases.map(([rule]) => rule))].sort(), RULES.map(({ name }) => name).sort());
});

t.test('whether social care knows the person is told only to who may know it of that source', async (t) => {
  const known = facts({
    person: person({ agreements: [{ source: 'lcs', given: true, from: '2026-01-01' }] }),
  });
  const unknown = facts({ person: person() });
  for (const rule of RULES.map(({ name }) => name))
    t.strictSame(
      of(rule, staff(), everything(), known, NOBODY),
      of(rule, staff(), everything(), unknown, NOBODY),
      rule,
    );
  t.hasProp(of('social-care-agreement', staff(), everything(), known), 'agreement with lcs');
});

t.test('the log keeps verdicts, and not which rule made somebody unknown', async (t) => {
  const kept = (known: Partial<Facts>) =>
    verdictsKept(decide(staff(), everything(), facts(known)).judgements);
  t.strictSame(kept({}), {
    allow: 'purpose',
    withhold: 'scopes agreement role person social-care-agreement sharing labels',
    deny: '',
  });
  t.equal(kept({ person: person({ optedOut: true }) }).deny, 'opt-out');
  t.equal(kept({ person: person({ restricted: true }) }).deny, '', 'special protection is not named');
  t.equal(kept({ person: person({ restricted: true, optedOut: true }) }).deny, 'opt-out');
});

t.test('scopes as text grant what they granted', async (t) => {
  for (const text of [
    'user/*.rs',
    'user/Observation.rs?category=laboratory,http%3A%2F%2Fx%7Cvital-signs patient/Patient.r system/*.cruds',
    'user/Patient.read launch openid user/Nothing.rs',
    '',
  ]) {
    const scopes = parseScopes(text);
    t.strictSame(parseScopes(scopeText(scopes)), scopes, text);
    t.equal(scopeText(scopes), scopeText(scopes));
  }
});
