import t from 'tap';
import type { Ask } from '../../src/access/ask.ts';
import type { Caller } from '../../src/access/caller.ts';
import { decide } from '../../src/access/decide.ts';
import type { Facts } from '../../src/access/facts.ts';
import type { DataClass, RoleTable } from '../../src/access/policy.ts';
import {
  CLASSES,
  check,
  directory,
  everything,
  facts,
  HEALTH,
  type Line,
  OWN_FACTS,
  officer,
  organisation,
  patient,
  policy,
  read,
  search,
  staff,
  system,
  TODAY,
  without,
} from './world.ts';

const all = everything();
const audit = search('AuditEvent');
const surgeries = directory('Organization');
const known = facts();
const own = facts(OWN_FACTS);
const nobody = facts({ person: 'absent' });
const FOR_PATIENTS = without(HEALTH, 'gp-nopat', 'gp-third-party');

t.test('rule 2: organisations that have not signed neither see nor are seen', async (t) => {
  const no = 'agreement forbidden agreement';
  const signed = (...agreements: { from: string; to?: string }[]): Facts =>
    facts({ policy: policy({ organisations: [organisation('RXQ', { agreements })] }) });
  const past = { from: '2020-01-01', to: '2026-11-21' };
  const left = signed();
  const seen = without(HEALTH, 'acute-patient', 'acute-encounter');
  const seenByPatients = without(FOR_PATIENTS, 'acute-patient', 'acute-encounter');
  check(t, [
    ['not a signatory', staff({ organisation: 'K82999' }), all, known, no],
    ['unheard of', staff({ organisation: 'XXX' }), all, known, no],
    ['a prototype is no organisation', staff({ organisation: '__proto__' }), all, known, no],
    ['ended yesterday', staff(), all, signed(past), no],
    ['ends today', staff(), all, signed({ from: '2020-01-01', to: TODAY }), HEALTH],
    ['begins today', staff(), all, signed({ from: TODAY }), HEALTH],
    ['begins tomorrow', staff(), all, signed({ from: '2026-11-23' }), no],
    ['ended, and signed again', staff(), all, signed(past, { from: TODAY }), HEALTH],
    ['an end that is not a day', staff(), all, signed({ from: '2020-01-01', to: 'never' }), no],
    ['a day that is not known', staff(), all, { ...known, today: 'never' }, no],
    ["a source's organisation has left", staff({ organisation: 'K82001' }), all, left, seen],
    ['its rows are gone for officers', officer({ organisation: 'K82001' }), all, left, seen],
    ['and for patients', patient(), all, { ...left, ...OWN_FACTS }, seenByPatients],
    ['a directory asks it too', system({ organisation: 'K82999' }), surgeries, nobody, no],
  ]);
});

t.test("rule 3: a role sees its own organisation's classes of data", async (t) => {
  const no = 'role forbidden role';
  const table = (
    base: readonly DataClass[],
    unlisted: RoleTable['unlisted'],
    x?: readonly DataClass[],
  ): Facts => {
    const roles = { version: 'x', base, unlisted, roles: x === undefined ? {} : { x: { classes: x } } };
    return facts({ policy: policy({ organisations: [organisation('RXQ', { roles })] }) });
  };
  const clerk = staff({ role: 'clerk', purpose: 'PATADMIN' });
  const x = staff({ role: 'x' });
  const few = ['gp-patient', 'acute-patient', 'acute-encounter', 'surgery'];
  check(t, [
    ['unlisted: the base', staff({ role: 'unheard of' }), all, known, HEALTH],
    ['unlisted: refused', staff(), all, table(CLASSES, 'refuse'), no],
    ['a prototype is no role', staff({ role: 'constructor' }), all, table(CLASSES, 'refuse'), no],
    ['a profile narrows $everything', clerk, all, known, few],
    ['a profile refuses a type', clerk, search('Observation'), known, no],
    ['a profile never widens', x, search('Observation'), table(['demographics'], 'base', CLASSES), no],
    ['no Patient, no $everything', staff(), all, table(['results'], 'base'), no],
    ['no classes, nothing', staff(), search('Flag'), table([], 'base'), no],
    ['the audit log is not for staff', staff(), audit, known, no],
    ['not even where a table says so', x, audit, table(['audit'], 'base', ['audit']), no],
    ["nor for an officer's everyday login", staff({ role: 'privacy' }), audit, known, no],
    ['a desk needs a role of the desks', officer({ role: 'clerk' }), audit, known, no],
    ['or it is none', officer({ role: 'clerk' }), all, known, no],
    ['and one that is listed', officer({ role: 'nurse' }), all, known, no],
    ["an officer's own organisation's events", officer(), audit, known, ['audit-rxq']],
    [
      "every organisation's for central monitoring",
      officer({ role: 'central' }),
      audit,
      known,
      ['audit-rxq', 'audit-council', 'audit-self'],
    ],
    [
      'a directory asks no role',
      staff(),
      surgeries,
      { ...table([], 'refuse'), person: 'absent' },
      ['surgery'],
    ],
  ]);
});

t.test('rule 3: which state of the table decided is in every decision', async (t) => {
  const noted = (caller: Caller, ask: Ask): unknown =>
    decide(caller, ask, known).judgements.find(({ rule }) => rule === 'role')?.noted;
  t.strictSame(noted(staff(), all), { 'role-table': 'table-1' });
  t.strictSame(noted(officer(), audit), { 'role-table': 'table-1' });
  t.equal(noted(patient(), all), undefined);
});

t.test('rule 4: a purpose of direct care with a reason, or a case', async (t) => {
  const no = 'purpose forbidden purpose';
  const lines: Line[] = [];
  for (const purpose of ['TREAT', 'ETREAT', 'CAREMGT', 'COC']) {
    lines.push([purpose, staff({ purpose }), all, known, HEALTH]);
  }
  for (const purpose of [
    '',
    'treat',
    'PATADMIN',
    'BTG',
    'HOPERAT',
    'HPAYMT',
    'HRESCH',
    'PATRQT',
    'governance',
  ]) {
    lines.push([`staff for ${purpose}`, staff({ purpose }), all, known, no]);
  }
  for (const reason of ['', ' ', '\u200b\u2060', '...', '-', 'x'.repeat(501)]) {
    lines.push([`reason ${JSON.stringify(reason.slice(0, 9))}`, staff({ reason }), all, known, no]);
  }
  for (const reason of ['local audit', '7', 'Ё', 'x'.repeat(500)]) {
    lines.push([`reason ${reason.slice(0, 9)}`, staff({ reason }), all, known, HEALTH]);
  }
  for (const caseNumber of ['', ' ', '-', 'x'.repeat(65), 'a\nb']) {
    lines.push([`case ${JSON.stringify(caseNumber.slice(0, 9))}`, officer({ caseNumber }), all, known, no]);
  }
  const few = ['gp-patient', 'acute-patient', 'acute-encounter', 'surgery'];
  check(t, [
    ...lines,
    ['a purpose that the role names', staff({ role: 'clerk', purpose: 'PATADMIN' }), all, known, few],
    ['naming some leaves out the others', staff({ role: 'clerk', purpose: 'TREAT' }), all, known, no],
    ['a role cannot name what this is not for', staff({ role: 'clerk', purpose: 'HOPERAT' }), all, known, no],
    ['an officer in direct care', officer({ purpose: 'TREAT' }), all, known, no],
    ['an officer with a case', officer(), all, known, HEALTH],
    ['a patient needs none', patient(), search('Flag'), own, FOR_PATIENTS],
    ['a system never', system(), all, known, no],
    ['a system never, by id', system(), read('AuditEvent'), known, no],
    ['a system may look up a surgery', system(), surgeries, nobody, ['surgery']],
    ['staff need no reason for that', staff({ reason: '', purpose: '' }), surgeries, nobody, ['surgery']],
    ['nor patients', patient(), surgeries, nobody, ['surgery']],
  ]);
});
