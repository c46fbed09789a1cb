import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import type { Ask } from '../../src/access/ask.ts';
import type { Caller } from '../../src/access/caller.ts';
import { combine } from '../../src/access/combine.ts';
import * as decideModule from '../../src/access/decide.ts';
import type { Facts, RowFacts } from '../../src/access/facts.ts';
import { personFor } from '../../src/access/person-asked.ts';
import { policyDocument } from '../../src/access/policy-document.ts';
import { ALLOW, forbid, NO_OPINION, withhold } from '../../src/access/rule.ts';
import { RULES } from '../../src/access/rules.ts';
import { faultWithout } from '../oracles/monotonicity.ts';
import { anyQuestion, NARROWINGS, seen } from './questions.ts';
import {
  directory,
  everything,
  facts,
  OWN_FACTS,
  officer,
  organisation,
  patient,
  person,
  policy,
  ROWS,
  search,
  source,
  staff,
  system,
  undeclared,
} from './world.ts';

const { decide } = decideModule;

function granted(caller: Caller, ask: Ask, known: Facts): decideModule.Grant {
  const decision = decide(caller, ask, known);
  if (decision.outcome !== 'granted') throw new Error(`refused by ${decision.refusal.rule}`);
  return decision.grant;
}

function refused(caller: Caller, ask: Ask, known: Facts): decideModule.Refusal {
  const decision = decide(caller, ask, known);
  if (decision.outcome !== 'refused') throw new Error('granted');
  return decision.refusal;
}

for (const name of Object.keys(NARROWINGS)) {
  t.test(`G-3: without ${name} nobody sees more, and some see less`, async (t) => {
    t.equal(faultWithout(name, 1500), undefined);
  });
}

t.test('whatever it is given, it decides, and no is what it decides', async (t) => {
  const trap: unknown = new Proxy(Object.create(null) as object, {
    get: () => {
      throw new Error('trap');
    },
  });
  const anything = fc.oneof(fc.anything({ withNullPrototype: true }), fc.constant(trap));
  fc.assert(
    fc.property(anything, anything, anything, (caller, ask, known) => {
      const reasons = [
        refused(caller as Caller, everything(), facts()),
        refused(staff(), everything(), known as Facts),
        refused(caller as Caller, ask as Ask, known as Facts),
      ].map((refusal) => refusal.reason);
      return reasons.every((reason) => reason !== '');
    }),
  );
  const grant = granted(staff(), everything(), facts());
  fc.assert(fc.property(anything, (row) => !grant.permits(row as RowFacts)));
  const broken: Facts = { ...facts(), policy: trap as Facts['policy'] };
  t.equal(refused(staff(), everything(), broken).kind, 'unavailable', 'a rule that fails is a denial');
});

t.test('where several rules refuse, the first in the order of the policy is given', async (t) => {
  const names = RULES.map((rule) => rule.name);
  t.strictSame(names, [
    'scopes',
    'agreement',
    'role',
    'purpose',
    'past-record',
    'attestation',
    'override',
    'person',
    'restricted-person',
    'own-record',
    'opt-out',
    'relationship',
    'social-care-agreement',
    'sharing',
    'labels',
  ]);
  const roles = { ...organisation('K82999').roles, unlisted: 'refuse' } as const;
  const worst = policy({ organisations: [organisation('K82999', { agreements: [], roles })] });
  const signed = policy({ organisations: [organisation('K82999', { roles })] });
  const admitted = policy({ organisations: [organisation('K82999')] });
  const gone = person({ restricted: true, optedOut: true });
  const numbers = { callerNumbers: ['hmac-p1'] };
  const at = { organisation: 'K82999', purpose: 'HRESCH' };
  const all = everything();
  const got = [
    refused(staff(at, ''), all, facts({ policy: worst, person: gone, ...numbers })),
    refused(staff(at), all, facts({ policy: worst, person: gone, ...numbers })),
    refused(staff(at), all, facts({ policy: signed, person: gone, ...numbers })),
    refused(staff(at), all, facts({ policy: admitted, person: gone, ...numbers })),
    refused(
      staff(),
      { ...all, interaction: 'as-at', asAt: 5 },
      facts({ at: 5, person: gone, callerNumbers: [] }),
    ),
    refused(staff(), all, facts({ person: gone, callerNumbers: [] })),
    refused(
      staff({ purpose: 'BTG', overrides: { rule: 'opt-out', reason: 'Unconscious' } }),
      all,
      facts({ person: 'unknown', ...numbers }),
    ),
    refused(staff(), all, facts({ person: 'unknown', ...numbers })),
    refused(staff(), all, facts({ person: gone, ...numbers })),
    refused(staff(), all, facts({ person: { ...gone, restricted: false }, ...numbers })),
    refused(undeclared(), all, facts({ person: { ...gone, restricted: false } })),
    refused(undeclared(), all, facts()),
  ];
  t.strictSame(
    got.map((refusal) => refusal.rule),
    names.slice(0, 12),
  );
  t.strictSame(
    got.map((refusal) => refusal.aboutPerson),
    [false, false, false, false, false, false, false, true, true, true, true, true],
  );
});

t.test('what every rule made of it is on record', async (t) => {
  const decision = decide(
    patient(),
    everything(),
    facts({ ...OWN_FACTS, person: person({ optedOut: true }) }),
  );
  const verdicts = Object.fromEntries(decision.judgements.map(({ rule, verdict }) => [rule, verdict]));
  t.match(verdicts, {
    scopes: 'withhold',
    role: 'does-not-apply',
    purpose: 'allow',
    'opt-out': 'does-not-apply',
    labels: 'withhold',
  });
  t.equal(decision.judgements.length, RULES.length);
  const denied = decide(staff({ reason: '' }), everything(), facts());
  t.match(denied.judgements, [{}, {}, {}, { rule: 'purpose', verdict: 'deny', reason: 'purpose' }]);
});

t.test('verdicts together: a denial wins, and nothing said is a no', async (t) => {
  const hides = withhold({ hides: () => 'all' });
  const [first, second] = [forbid('one', 'No.'), forbid('two', 'No.')];
  t.match(combine([]), { refusal: { reason: 'no-basis' } });
  t.match(combine([NO_OPINION, hides]), { refusal: { reason: 'no-basis' } });
  t.match(combine([ALLOW, first, second, hides]), { refusal: { rule: 'one' } });
  t.match(combine([second, ALLOW]), { refusal: { rule: 'two' } });
  t.match(combine([hides, NO_OPINION, ALLOW, hides]), { withholds: [{}, {}] });
});

t.test('only a decision makes a grant', async (t) => {
  t.strictSame(Object.keys(decideModule), ['decide'], 'the class does not leave its file');
  const grant = granted(staff(), everything(), facts());
  t.throws(
    () => Reflect.get(Object.getPrototypeOf(grant), 'permittedTypes', {}),
    TypeError,
    'a look-alike has no members',
  );
});

t.test('a grant says whose record, as of when, from which sources', async (t) => {
  const agreed = person({ agreements: [{ source: 'lcs', given: true, from: '2026-01-01' }] });
  const grant = granted(staff(), everything(), facts());
  const more = granted(staff(), everything(), facts({ person: agreed }));
  t.strictSame(grant.personIds, ['p1', 'p0'], 'the person asked for first');
  t.match(grant, { publication: 40, epoch: 7, policyVersion: 'test' });
  t.strictSame(
    grant.horizon.map((state) => [state.source, state.loadNo]),
    [
      ['gp', 10],
      ['acute', 20],
    ],
  );
  t.strictSame(
    more.horizon.map((state) => state.source),
    ['gp', 'acute', 'lcs'],
  );
  t.strictSame(granted(staff(), search('Flag'), facts()).permittedTypes, ['Flag']);
  t.notOk(grant.permittedTypes.includes('AuditEvent'));
  t.strictSame(granted(staff({}, 'user/Patient.rs user/Flag.rs'), everything(), facts()).permittedTypes, [
    'Patient',
    'Flag',
  ]);
  t.strictSame(granted(system(), directory('Location'), facts({ person: 'absent' })).personIds, []);
});

t.test("a source's state reads the same whether or not it knows the person", async (t) => {
  const state = (known: Facts): unknown => {
    const grant = granted(staff(), everything(), known);
    const named = [...known.policy.sources.keys()].map((code) => [code, grant.mayState(code)]);
    return { named, horizon: grant.horizon, types: grant.permittedTypes };
  };
  const refusedThere = person({ agreements: [{ source: 'lcs', given: false }] });
  const ended = person({
    agreements: [{ source: 'lcs', given: true, from: '2020-01-01', to: '2021-01-01' }],
  });
  t.match(state(facts()), {
    named: [
      ['gp', true],
      ['acute', true],
      ['lcs', false],
      ['unsigned', false],
    ],
  });
  t.strictSame(state(facts({ person: refusedThere })), state(facts()), 'known, not agreed');
  t.strictSame(state(facts({ person: ended })), state(facts()), 'known, agreement ended');
  t.strictSame(state(facts({ person: person({ quarantined: ['lcs'] }) })), state(facts()), 'known, in doubt');
  const gone = policy({ sources: [source('lcs', 3, 'COUNCIL', { sector: 'social-care', shares: {} })] });
  t.strictSame(granted(staff(), everything(), facts({ policy: gone })).mayState('lcs'), false);
  t.notOk(granted(staff(), everything(), facts()).mayState('unheard of'));
});

t.test('the person asked for: a patient who names nobody means themselves', async (t) => {
  const nobody = directory('Flag');
  t.strictSame(personFor(patient(), nobody), { by: 'nhs-number', nhsNumber: '9990000018' });
  t.strictSame(
    personFor(patient(), everything()),
    everything().person,
    'a named person is looked up and judged',
  );
  t.strictSame(personFor(patient(), directory('Location')), { by: 'none' });
  t.strictSame(personFor(staff(), nobody), { by: 'none' });
  t.strictSame(personFor(officer(), search('AuditEvent')), search('AuditEvent').person);
});

t.test('the record as it was is open to governance with a case, and to nobody else', async (t) => {
  const then = { ...everything(), interaction: 'as-at', asAt: 5 } as const;
  for (const [kind, caller] of Object.entries({ staff: staff(), patient: patient(), system: system() })) {
    const refusal = refused(caller, then, facts({ ...OWN_FACTS, at: 5 }));
    t.equal(refusal.kind, 'forbidden', kind);
    t.equal(refusal.aboutPerson, false, 'and it says nothing about anybody');
  }
  t.equal(refused(staff(), then, facts({ at: 5 })).reason, 'past-record');
  t.ok(granted(officer(), then, facts({ at: 5 })).horizon.length > 0);
  t.equal(refused(officer({ caseNumber: '' }), then, facts({ at: 5 })).reason, 'purpose');
});

t.test('facts of one moment decide nothing about a record of another', async (t) => {
  const then = { ...everything(), interaction: 'as-at', asAt: 5 } as const;
  const { asAt: _, ...never } = then;
  for (const [ask, at] of [
    [then, {}],
    [then, { at: 6 }],
    [everything(), { at: 5 }],
    [never, {}],
  ] as const)
    t.equal(refused(officer(), ask, facts(at)).reason, 'decision-failed');
});

t.test(
  'of a record as it was, all who were decided on are told apart from those who are shown',
  async (t) => {
    const then = { ...everything(), interaction: 'as-at', asAt: 5 } as const;
    const both = person({ cluster: ['p1'], decidedOn: ['p1', 'p2'] });
    const grant = granted(officer(), then, facts({ at: 5, person: both }));
    t.strictSame([grant.personIds, grant.decidedOn], [['p1'], ['p1', 'p2']]);
    t.strictSame(granted(officer(), everything(), facts()).decidedOn, ['p1', 'p0']);
  },
);

t.test('docs/policy.md is the policy', async (t) => {
  let root = dirname(fileURLToPath(import.meta.url));
  while (!isRoot(root)) root = dirname(root);
  const written = readFileSync(join(root, 'docs', 'policy.md'), 'utf8');
  t.equal(policyDocument(RULES), written, 'print it again with: npx mcr policy');
  for (const rule of RULES) t.match(written, rule.says);
});

function isRoot(folder: string): boolean {
  const file = join(folder, 'package.json');
  return existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'my-care-record';
}

t.test('rows are judged one by one: order and company change nothing', async () => {
  fc.assert(
    fc.property(anyQuestion, fc.shuffledSubarray([...ROWS]), (question, rows) => {
      const all = new Set(seen(question));
      return (
        seen({ ...question, rows }).every((id) => all.has(id)) &&
        rows.every((r) => !all.has(r.id) || seen({ ...question, rows: [r] }).length === 1)
      );
    }),
    { numRuns: 50 },
  );
});
