import type { Ask } from './ask.ts';
import type { Caller } from './caller.ts';
import { isSignatory } from './days.ts';
import type { Facts, PersonFacts } from './facts.ts';
import { mayOverride } from './override.ts';
import { personAsked, sharesNumber } from './person-asked.ts';
import { roleOf } from './role-table.ts';
import { scopeText } from './scopes.ts';

/** A fact that a rule looked at, in words for whoever reads an explanation. */
export type ExplainedFact = readonly [name: string, value: string];

/** Whether what a source knows of the person may be told to whoever asks for the explanation. */
export type MayKnow = (source: string) => boolean;

type FactsOf = (caller: Caller, ask: Ask, facts: Facts, mayKnow: MayKnow) => readonly ExplainedFact[];

/**
 * What each rule looks at, by the rule's name. It decides nothing: verdicts come from the rules alone. A rule without
 * an entry is explained without its facts.
 */
export const FACTS_OF: Readonly<Record<string, FactsOf>> = {
  scopes: (caller, ask) => [
    ['scopes of the token', scopeText(caller.scopes)],
    ['asked', [ask.interaction, ask.type, ...(ask.looksInto ?? [])].join(' ')],
  ],
  agreement: (caller, _ask, { policy, today }) => [
    ...('organisation' in caller
      ? [['organisation has signed', yes(isSignatory(policy, caller.organisation, today))] as const]
      : []),
    [
      'sources of organisations that have not',
      list(
        [...policy.sources.values()]
          .filter((s) => !isSignatory(policy, s.organisation, today))
          .map((s) => s.code),
      ),
    ],
  ],
  role: (caller, _ask, facts) => {
    if (caller.kind !== 'staff' && caller.kind !== 'governance') return [];
    const table = facts.policy.organisations.get(caller.organisation)?.roles;
    const role = roleOf(caller, facts);
    return [
      ['role', caller.role],
      ["listed in the organisation's table", yes(role !== undefined)],
      ['classes of everybody', list(table?.base ?? [])],
      ...(role === undefined ? [['roles not listed', table?.unlisted ?? 'refuse'] as const] : []),
      ...(role === undefined ? [] : [['classes of the role', list(role.classes)] as const]),
    ];
  },
  purpose: (caller) => {
    if (caller.kind === 'staff')
      return [
        ['purpose', caller.purpose],
        ['reason', caller.reason],
      ];
    return caller.kind === 'governance'
      ? [
          ['purpose', caller.purpose],
          ['case number', caller.caseNumber],
        ]
      : [];
  },
  'past-record': (_caller, { asAt }) => [
    ['of an earlier instant', asAt === undefined ? 'no' : instant(asAt)],
  ],
  attestation: (caller, _ask, { callerNumbers }) => [
    ["the user's own number is known", yes(callerNumbers.length > 0)],
    ...('attestsNotOwn' in caller
      ? [['the user declared that the record is not theirs', yes(caller.attestsNotOwn)] as const]
      : []),
  ],
  override: (caller, _ask, facts) => {
    if (caller.kind !== 'staff' && caller.kind !== 'governance') return [];
    const { overrides } = caller;
    if (overrides === undefined) return [['rule that the token overrides', 'none']];
    return [
      ['rule that the token overrides', overrides.rule],
      ['reason of the override', overrides.reason],
      ['the role may override it', yes(mayOverride(caller, overrides.rule, facts))],
    ];
  },
  person: ofPerson((person, mayKnow) => [
    ['known by what was asked', 'yes'],
    ['sources set aside because of a conflicting identity', list(person.quarantined.filter(mayKnow))],
  ]),
  'restricted-person': ofPerson((person) => [['under special protection', yes(person.restricted)]]),
  'own-record': (_caller, ask, facts) => {
    const person = personAsked(ask, facts);
    if (person === undefined) return [];
    return [
      ["the person's number is the user's own", yes(sharesNumber(facts.callerNumbers, person.numbers))],
    ];
  },
  'opt-out': (_caller, ask, facts) => [
    ...ofPerson((person) => [['opted out', yes(person.optedOut)]])(_caller, ask, facts, () => false),
    ['sectors that an opt-out hides', list(facts.policy.optOutHides)],
  ],
  relationship: (caller, ask, facts, mayKnow) => {
    if (caller.kind !== 'staff') return [];
    const demand = facts.policy.organisations.get(caller.organisation)?.relationship ?? 'declared';
    const said = caller.declares === undefined ? 'no' : `until ${instant(caller.declares.until)}`;
    return [
      ['relationship that the organisation asks for', demand],
      ['declared with the token', said],
      ...ofPerson((person) => [
        [
          'declared before',
          person.declaredUntil === undefined ? 'no' : `until ${instant(person.declaredUntil)}`,
        ],
        [
          'recorded',
          list(
            person.relationships
              .filter(({ row }) => mayKnow(row.source))
              .map(
                ({ kind, from, to = 'further notice', row }) =>
                  `${kind} of ${row.source}, from ${from} until ${to}`,
              ),
          ),
        ],
      ])(caller, ask, facts, mayKnow),
    ];
  },
  'social-care-agreement': ofPerson((person, mayKnow) =>
    person.agreements
      .filter(({ source }) => mayKnow(source))
      .map(({ source, given, from = 'the beginning', to = 'further notice' }) => [
        `agreement with ${source}`,
        given ? `given, from ${from} until ${to}` : 'not given',
      ]),
  ),
  sharing: (_caller, ask, { policy, today }) => [
    [
      `sources that do not share ${ask.type} on ${today}`,
      list(
        [...policy.sources.values()]
          .filter(({ shares }) => {
            const shared = Object.hasOwn(shares, ask.type) ? shares[ask.type] : undefined;
            const { from = '', to = '9999' } = shared?.days ?? {};
            return shared === undefined || today < from || today > to;
          })
          .map(({ code }) => code),
      ),
    ],
  ],
  labels: () => [['judged', 'entry by entry']],
};

function ofPerson(of: (person: PersonFacts, mayKnow: MayKnow) => readonly ExplainedFact[]): FactsOf {
  return (_caller, ask, facts, mayKnow) => {
    const person = personAsked(ask, facts);
    return person === undefined ? [['known by what was asked', 'no']] : of(person, mayKnow);
  };
}

function instant(at: number): string {
  return new Date(at).toISOString();
}

function yes(is: boolean): string {
  return is ? 'yes' : 'no';
}

function list(values: readonly string[]): string {
  return values.length === 0 ? 'none' : values.join(', ');
}
