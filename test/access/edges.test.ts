import t from 'tap';
import type { Ask, Interaction } from '../../src/access/ask.ts';
import type { Caller } from '../../src/access/caller.ts';
import { combine } from '../../src/access/combine.ts';
import { within } from '../../src/access/days.ts';
import { decide, type Grant } from '../../src/access/decide.ts';
import { explain } from '../../src/access/explain.ts';
import type { Facts } from '../../src/access/facts.ts';
import type { Withhold } from '../../src/access/rule.ts';
import { Visibility } from '../../src/access/visibility.ts';
import type { ServedTypeName } from '../../src/fhir/served.ts';
import {
  directory,
  everything,
  facts,
  officer,
  organisation,
  outcome,
  person,
  policy,
  ROWS,
  row,
  search,
  source,
  staff,
} from './world.ts';

/** Small differences in the rules that would let somebody see more, or be told something else: found by changing them. */

function verdict(rule: string, caller: Caller, ask: Ask, known: Facts): string {
  const found = decide(caller, ask, known).judgements.find((one) => one.rule === rule);
  return [found?.verdict, found?.reason].filter((text) => text !== undefined).join(' ');
}

function granted(caller: Caller, ask: Ask, known: Facts): Grant {
  const decision = decide(caller, ask, known);
  if (decision.outcome === 'refused') throw new Error(`refused by ${decision.refusal.rule}`);
  return decision.grant;
}

t.test('an interaction needs every letter of its own in the scopes', async (t) => {
  const needs: Readonly<Record<Interaction, string>> = {
    read: 'r',
    vread: 'r',
    'history-instance': 'r',
    'search-type': 's',
    everything: 'rs',
    match: 'rs',
    summary: 'rs',
    'explain-access': 'rs',
    'as-seen': 'rs',
    'as-at': 'rs',
    'declare-relationship': 'rs',
  };
  for (const [interaction, letters] of Object.entries(needs) as [Interaction, string][]) {
    const ask: Ask = { ...everything(), interaction };
    for (const held of ['r', 's', 'rs', 'c']) {
      const enough = [...letters].every((letter) => held.includes(letter));
      t.equal(
        verdict('scopes', staff({}, `user/*.${held}`), ask, facts()),
        enough ? 'withhold' : 'deny scopes',
        `${interaction} with ${held}`,
      );
    }
  }
  const looking: Ask = { ...search('Patient'), looksInto: ['Observation'] };
  t.equal(
    verdict('scopes', staff({}, 'user/Patient.rs'), looking, facts()),
    'deny scopes',
    'what is looked into',
  );
  const partly = granted(
    staff({}, 'user/*.r user/Patient.s user/Observation.s?category=laboratory'),
    everything(),
    facts(),
  );
  const shown = ROWS.filter((row) => row.type === 'Observation' && partly.permits(row)).map(({ id }) => id);
  t.strictSame(shown, ['gp-lab'], 'all of one letter is not all of the other');
});

t.test('a role of the desks opens nothing for whoever claims it at work', async (t) => {
  const known = facts({ person: person({ optedOut: true }) });
  t.equal(verdict('opt-out', staff({ role: 'access' }), everything(), known), 'deny consent-withdrawn');
  t.equal(verdict('social-care-agreement', staff({ role: 'access' }), everything(), known), 'withhold');
  const restricted = facts({ person: person({ restricted: true }) });
  t.equal(verdict('restricted-person', staff(), search('AuditEvent'), restricted), 'deny not-found');
  t.equal(verdict('restricted-person', officer(), search('AuditEvent'), restricted), 'no-opinion');
  const explanation: Ask = { ...search('AuditEvent'), interaction: 'explain-access' };
  t.equal(
    verdict('restricted-person', officer(), explanation, restricted),
    'deny not-found',
    'nor an explanation',
  );
  t.equal(verdict('purpose', officer(), explanation, restricted), 'allow');
});

t.test('what others did about an officer’s patients is read, and neither explained nor opened', async (t) => {
  const theirs = [
    row('own', '', 'AuditEvent', { organisation: 'RXQ' }),
    row('elsewhere', '', 'AuditEvent', { organisation: 'COUNCIL', isPatient: true }),
    row('nobody-here', '', 'AuditEvent', { organisation: 'COUNCIL' }),
  ];
  const shown = (interaction: Ask['interaction']) =>
    outcome(officer({ role: 'access' }), { ...search('AuditEvent'), interaction }, facts(), theirs);
  t.strictSame(shown('search-type'), ['own', 'elsewhere']);
  t.strictSame(shown('explain-access'), ['own']);
  t.strictSame(shown('as-seen'), ['own']);
});

t.test(
  'roles: listed where others are refused, without purposes of their own, of nobody known',
  async (t) => {
    const strict = policy({
      organisations: [organisation('RXQ', { roles: { ...organisation('RXQ').roles, unlisted: 'refuse' } })],
    });
    t.equal(
      verdict('role', staff({ role: 'clerk' }), search('Encounter'), facts({ policy: strict })),
      'withhold',
    );
    t.equal(verdict('role', staff(), search('Encounter'), facts({ policy: strict })), 'deny role');
    t.equal(verdict('role', staff({ organisation: 'X' }), everything(), facts()), 'deny role');
    t.equal(verdict('purpose', staff({ role: 'privacy' }), everything(), facts()), 'allow');
    t.equal(verdict('own-record', staff(), directory('Location'), facts({ person: 'absent' })), 'no-opinion');
  },
);

t.test('an audit search across people shows audit events and nothing else', async (t) => {
  const across: Ask = { ...search('AuditEvent'), person: { by: 'none' } };
  const grant = granted(officer({ role: 'central' }), across, facts({ person: 'absent' }));
  const types = new Set(
    ROWS.filter((row) => grant.permits({ ...row, numbers: ['hmac-of-somebody'] })).map(({ type }) => type),
  );
  t.strictSame([...types], ['AuditEvent']);
});

t.test('a grant says which sources can contribute, which types, and where elements are hidden', async (t) => {
  const only = (type: ServedTypeName, more = {}) => ({ shares: { [type]: more } });
  const known = facts({
    policy: policy({
      sources: [
        source('gp', 1, 'K82001', only('Condition', { exceptElements: ['note'] })),
        source('acute', 2, 'RXQ', { shares: {} }),
      ],
    }),
    person: person({ agreements: [{ source: 'lcs', given: true, from: '2026-01-01' }] }),
  });
  const nurse = staff({}, 'user/Observation.rs user/Condition.rs');
  const grant = granted(nurse, search('Observation'), known);
  t.strictSame(
    grant.horizon.map((one) => one.source),
    ['gp', 'lcs'],
    'of any type, and not of none',
  );
  t.strictSame([grant.hidesElements('Condition'), grant.hidesElements('Observation')], [true, false]);
  t.strictSame([grant.agreed('lcs'), grant.mayState('lcs')], [true, true]);
  t.strictSame(granted(nurse, search('Observation'), facts()).agreed('lcs'), false);
  for (const interaction of ['everything', 'summary'] as const)
    t.strictSame(
      granted(staff(), { ...everything(), interaction }, known).permittedTypes.includes('Condition'),
      true,
      interaction,
    );
  t.strictSame(granted(staff(), search('Observation'), known).permittedTypes, ['Observation']);
});

t.test('what fails is a refusal that says nothing of the person', async (t) => {
  const broken = Object.defineProperty({ ...policy() }, 'version', {
    get() {
      throw new Error('broken');
    },
  });
  const decision = decide(staff(), everything(), facts({ policy: broken }));
  t.match(decision, {
    outcome: 'refused',
    refusal: { kind: 'unavailable', reason: 'decision-failed', aboutPerson: false, rule: 'decide' },
  });
  t.equal(decision.judgements.length > 10, true);
  t.match(combine([]), { refusal: { reason: 'no-basis', aboutPerson: false } });
});

t.test('a withhold that fails hides everything and says nothing', async (t) => {
  const fails = (): never => {
    throw new Error('broken');
  };
  const failing: Withhold = { hides: fails, silences: fails };
  const visibility = new Visibility([failing]);
  t.equal(visibility.hidesAll('gp', 'Condition'), true);
  t.equal(visibility.silences('gp'), true);
  t.strictSame(
    visibility.elementsHidden('gp', 'Condition'),
    [],
    'of what is hidden no element is left to hide',
  );
  const [row] = ROWS;
  if (row === undefined) throw new Error('There are no rows.');
  t.equal(visibility.shows(row), false);
  t.equal(new Visibility([{ hides: () => fails }]).shows(row), false, 'a test per row as well');
  t.equal(new Visibility([{ hides: () => 'none' }]).silences('gp'), false);
});

t.test('days are whole days', async (t) => {
  for (const span of [
    { from: 'x2026-01-01' },
    { from: '2026-01-01x' },
    { from: '2026-01-01', to: '2026-12-31x' },
    { from: '2026-01-01', to: 'x2026-12-31' },
  ])
    t.equal(within('2026-11-22', span), false, JSON.stringify(span));
  t.equal(within('2026-11-22T00', { from: '2026-01-01' }), false);
  t.equal(within('2026-11-22', { from: '2026-11-22', to: '2026-11-22' }), true);
});

t.test('an explanation of nobody has no consent epoch, and rules that do not apply no facts', async (t) => {
  for (const nobody of ['absent', 'unknown'] as const)
    t.notOk('epoch' in explain(staff(), everything(), facts({ person: nobody }), () => true), nobody);
  const { rules } = explain(
    { ...officer(), kind: 'system' } as unknown as Caller,
    everything(),
    facts(),
    () => true,
  );
  t.strictSame(
    rules.filter((one) => one.verdict === 'does-not-apply').flatMap((one) => one.facts),
    [],
  );
});
