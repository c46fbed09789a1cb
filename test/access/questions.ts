import fc from 'fast-check';
import type { Ask } from '../../src/access/ask.ts';
import type { Caller } from '../../src/access/caller.ts';
import type { Facts, PersonFacts, RowFacts } from '../../src/access/facts.ts';
import type {
  DataClass,
  Organisation,
  Policy,
  RelationshipPolicy,
  SharedType,
  SourcePolicy,
} from '../../src/access/policy.ts';
import { parseScopes } from '../../src/access/scopes.ts';
import {
  CLASSES,
  CONFIDENTIALITY,
  directory,
  everything,
  facts,
  LAB,
  officer,
  organisation,
  outcome,
  patient,
  person,
  policy,
  ROWS,
  read,
  row,
  search,
  source,
  staff,
  system,
  undeclared,
  VITAL,
} from './world.ts';

/** Questions of every kind about the small county, and what can be taken away from one. */
export interface Question {
  readonly caller: Caller;
  readonly ask: Ask;
  readonly facts: Facts;
  readonly rows: readonly RowFacts[];
}

/** Ids of the rows shown; none when refused. */
export function seen(question: Question): readonly string[] {
  const got = outcome(question.caller, question.ask, question.facts, question.rows);
  return typeof got === 'string' ? [] : got;
}

const SCOPES = [
  '*.rs',
  'Patient.rs',
  'Observation.r',
  'Observation.s',
  `Observation.rs?category=${VITAL}`,
  'Condition.read',
];

const anyScope = fc.record({
  level: fc.constantFrom('user', 'user', 'patient', 'system'),
  rest: fc.constantFrom('*.rs', ...SCOPES),
});

const anyCaller: fc.Arbitrary<Caller> = fc
  .record({
    base: fc.constantFrom<Caller>(
      staff(),
      staff(),
      undeclared(),
      undeclared(),
      staff({ namedBy: 'system' }),
      patient(),
      officer(),
      system(),
    ),
    own: fc.boolean(),
    scopes: fc.array(anyScope, { maxLength: 3 }),
    organisation: fc.constantFrom('RXQ', 'RXQ', 'K82001', 'COUNCIL', 'K82999'),
    role: fc.constantFrom('nurse', 'clerk', 'privacy', 'access', 'central'),
    attestsNotOwn: fc.boolean(),
  })
  .map(({ base, own, scopes, organisation, role, attestsNotOwn }): Caller => {
    const level = { staff: 'user', governance: 'user', patient: 'patient', system: 'system' }[base.kind];
    const text = scopes.map((scope) => `${own ? level : scope.level}/${scope.rest}`).join(' ');
    const proven = { scopes: parseScopes(own ? `${level}/*.rs ${text}` : text) };
    if (base.kind === 'patient') return { ...base, ...proven };
    if (base.kind === 'system') return { ...base, ...proven, organisation };
    if (base.kind === 'governance') return { ...base, ...proven, organisation, role, attestsNotOwn };
    return {
      ...base,
      ...proven,
      organisation,
      role,
      attestsNotOwn,
      purpose: role === 'clerk' ? 'PATADMIN' : 'TREAT',
    };
  });

const anyAsk: fc.Arbitrary<Ask> = fc.constantFrom(
  everything(),
  everything(),
  search('Observation'),
  read('Condition'),
  search('Consent'),
  search('CareTeam'),
  search('AuditEvent'),
  directory('Organization'),
);

const CARED_FOR: PersonFacts['relationships'] = [
  { kind: 'encounter', from: '2026-11-01', row: row('acute-encounter', 'acute', 'Encounter') },
];

const anyPerson: fc.Arbitrary<Facts['person']> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom<Facts['person']>('absent', 'unknown') },
  {
    weight: 6,
    arbitrary: fc
      .record({
        restricted: fc.constantFrom(false, false, false, true),
        optedOut: fc.constantFrom(false, false, true),
        limitedOptOuts: fc.constantFrom<PersonFacts['limitedOptOuts']>([], [], [{ types: ['Observation'] }]),
        agreements: fc.constantFrom<PersonFacts['agreements']>(
          [],
          [{ source: 'lcs', given: true, from: '2026-01-01' }],
        ),
        quarantined: fc.constantFrom<readonly string[]>([], [], ['acute']),
        relationships: fc.constantFrom<PersonFacts['relationships']>([], [...CARED_FOR]),
      })
      .map((changes) => person(changes)),
  },
);

const anyPolicy: fc.Arbitrary<Policy> = fc
  .record({
    unlisted: fc.constantFrom<'base' | 'refuse'>('base', 'base', 'refuse'),
    shares: fc.constantFrom<SourcePolicy['shares']>(source('gp', 1, 'K82001').shares, {
      Patient: {},
      Observation: {},
    }),
    optOutHides: fc.constantFrom<Policy['optOutHides']>(['health', 'social-care'], ['health']),
    relationship: fc.constantFrom<RelationshipPolicy>('declared', 'required', 'off', 'off'),
  })
  .map(({ unlisted, shares, optOutHides, relationship }) => {
    const roles = { ...organisation('RXQ').roles, unlisted };
    return policy({
      organisations: [organisation('RXQ', { roles, relationship })],
      sources: [source('gp', 1, 'K82001', { shares })],
      optOutHides,
    });
  });

export const anyQuestion: fc.Arbitrary<Question> = fc
  .record({
    caller: anyCaller,
    ask: anyAsk,
    person: anyPerson,
    policy: anyPolicy,
    numbers: fc.constantFrom<readonly string[]>(['hmac-of-the-user'], []),
  })
  .map(({ caller, ask, person: asked, policy: agreed, numbers }) => ({
    caller,
    ask,
    facts: facts({
      person: asked,
      policy: agreed,
      callerNumbers: caller.kind === 'patient' ? ['hmac-p1'] : numbers,
    }),
    rows: ROWS,
  }));

type Narrowing = (question: Question) => Question;

/** What can be taken from a question. None of them may ever show a row more. */
export const NARROWINGS: Readonly<Record<string, Narrowing>> = {
  'a scope': (q) => ({ ...q, caller: { ...q.caller, scopes: q.caller.scopes.slice(1) } }),
  'a letter of a scope': (q) => {
    const scopes = q.caller.scopes.map((scope) => ({ ...scope, letters: scope.letters.replace('s', '') }));
    return { ...q, caller: { ...q.caller, scopes: scopes.filter((scope) => scope.letters !== '') } };
  },
  'scopes, but for a category': (q) => {
    const scopes = q.caller.scopes.map((scope) => ({ ...scope, constraint: { categories: [LAB] } }));
    return {
      ...q,
      caller: {
        ...q.caller,
        scopes: scopes.filter((_, index) => q.caller.scopes[index]?.constraint === undefined),
      },
    };
  },
  'all of a scope but a category': (q) => {
    const scopes = q.caller.scopes.map((scope) => ({ constraint: { categories: [LAB] }, ...scope }));
    return { ...q, caller: { ...q.caller, scopes } };
  },
  'a class of data': (q) =>
    inOrganisations(q, (one) => ({ ...one, roles: withoutClass(one.roles, 'problems') })),
  'every class of data': (q) =>
    inOrganisations(q, (one) => ({
      ...one,
      roles: CLASSES.reduce((roles, name) => withoutClass(roles, name), one.roles),
    })),
  'an agreement': (q) =>
    inOrganisations(q, (one) => (one.code === 'K82001' ? { ...one, agreements: [] } : one)),
  'every agreement': (q) => inOrganisations(q, (one) => ({ ...one, agreements: [] })),
  'unlisted roles': (q) =>
    inOrganisations(q, (one) => ({ ...one, roles: { ...one.roles, unlisted: 'refuse' } })),
  'a purpose': (q) => (q.caller.kind === 'staff' ? { ...q, caller: { ...q.caller, purpose: '' } } : q),
  'a reason': (q) => (q.caller.kind === 'staff' ? { ...q, caller: { ...q.caller, reason: '' } } : q),
  'a case': (q) => (q.caller.kind === 'governance' ? { ...q, caller: { ...q.caller, caseNumber: '' } } : q),
  'a declaration': (q) =>
    'attestsNotOwn' in q.caller ? { ...q, caller: { ...q.caller, attestsNotOwn: false } } : q,
  'a declared relationship': (q) => {
    if (q.caller.kind !== 'staff') return q;
    const { declares: _nothing, ...caller } = q.caller;
    return { ...q, caller };
  },
  'a recorded relationship': (q) => ofPerson(q, { relationships: [] }),
  'relationships that are declared': (q) =>
    inOrganisations(q, (one) => ({ ...one, relationship: 'required' })),
  'relationships, not asked for': (q) =>
    inOrganisations(q, (one) => (one.relationship === 'off' ? { ...one, relationship: 'declared' } : one)),
  'consent: an opt-out': (q) => ofPerson(q, { optedOut: true }),
  'consent: an opt-out of an organisation': (q) => ofPerson(q, { limitedOptOuts: [{ to: '2099-01-01' }] }),
  'consent: an opt-out of a type': (q) =>
    ofPerson(q, { limitedOptOuts: [{ types: ['Observation', 'Condition'] }] }),
  'consent: an agreement for anybody': (q) =>
    typeof q.facts.person === 'string'
      ? q
      : ofPerson(q, {
          agreements: q.facts.person.agreements.map((one) => ({ ...one, limits: { types: ['CareTeam'] } })),
        }),
  'consent: the agreement': (q) => ofPerson(q, { agreements: [] }),
  'consent: a second answer, not given': (q) => {
    const refusal = { source: 'lcs', given: false, from: '2026-01-01' };
    return ofPerson(q, {
      agreements: typeof q.facts.person === 'string' ? [] : [...q.facts.person.agreements, refusal],
    });
  },
  'the person: restricted': (q) => ofPerson(q, { restricted: true }),
  "the person: is the user's own record": (q) =>
    q.caller.kind === 'patient' ? q : ofPerson(q, { numbers: [...q.facts.callerNumbers, 'hmac-p1'] }),
  'the person: a contribution in doubt': (q) => ofPerson(q, { quarantined: ['gp', 'acute'] }),
  'the person: not known': (q) => ({ ...q, facts: { ...q.facts, person: 'unknown' } }),
  'a shared type': (q) =>
    inShares(q, (shares) => ({ ...shares, Observation: { days: { from: '2099-01-01' } } })),
  'a shared category': (q) =>
    inShares(q, (shares) => ({ ...shares, Observation: withoutCategory(shares.Observation, LAB) })),
  'what opt-outs leave': (q) => {
    const optOutHides: Policy['optOutHides'] = ['health', 'social-care'];
    return { ...q, facts: { ...q.facts, policy: { ...q.facts.policy, optOutHides } } };
  },
  'ordinary labels': (q) => ({
    ...q,
    rows: q.rows.map((row) => ({ ...row, labels: [...row.labels, `${CONFIDENTIALITY}|R`] })),
  }),
};

function withoutCategory(shared: SharedType | undefined, category: string): SharedType {
  return shared === undefined
    ? { days: { from: '2099-01-01' } }
    : { ...shared, exceptCategories: [category] };
}

function ofPerson(question: Question, changes: Partial<PersonFacts>): Question {
  const asked = question.facts.person;
  if (typeof asked === 'string') return question;
  return { ...question, facts: { ...question.facts, person: { ...asked, ...changes } } };
}

function inOrganisations(question: Question, change: (one: Organisation) => Organisation): Question {
  const organisations = new Map(
    [...question.facts.policy.organisations].map(([code, one]) => [code, change(one)]),
  );
  return { ...question, facts: { ...question.facts, policy: { ...question.facts.policy, organisations } } };
}

function inShares(
  question: Question,
  change: (shares: SourcePolicy['shares']) => SourcePolicy['shares'],
): Question {
  const { policy: agreed } = question.facts;
  const sources = new Map(
    [...agreed.sources].map(([code, one]) => [code, { ...one, shares: change(one.shares) }]),
  );
  return { ...question, facts: { ...question.facts, policy: { ...agreed, sources } } };
}

function withoutClass(table: Organisation['roles'], name: DataClass): Organisation['roles'] {
  const roles = Object.entries(table.roles).map(([code, role]) => {
    return [code, { ...role, classes: role.classes.filter((one) => one !== name) }];
  });
  return { ...table, base: table.base.filter((one) => one !== name), roles: Object.fromEntries(roles) };
}
