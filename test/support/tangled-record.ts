import type pg from 'pg';
import { NOT_FOR_PATIENT, type Planted, plant, RESTRICTED, sourceOf } from './planted.ts';

/*
 * One person's rows that refer to one another in every direction, some of them labelled: whatever is reached through
 * them must stop at those. Beside them a row of another person that is about this one, and three that changed overnight.
 */

const id = (n: number): string => `a0000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

export const VISIT = id(1);
export const HIDDEN_VISIT = id(2);
export const PULSE = id(3);
export const SECRET = id(4);
export const LAB = id(5);
export const REPORT = id(6);
export const HIDDEN_REPORT = id(7);
export const LETTER = id(8);
export const HIDDEN_LETTER = id(9);
export const LETTER_TEXT = id(10);
export const HIDDEN_TEXT = id(11);
export const SIGNED = id(12);
export const HIDDEN_SIGNED = id(13);
/** not for the patient; staff see it */
export const PRIVATE = id(14);
/** of another person, about this one and their pulse */
export const OTHERS = id(15);
/** labelled since its first version */
export const NARROWED = id(20);
/** labelled in its first version alone */
export const WIDENED = id(21);
/** of another category in its first version */
export const RECLASSED = id(22);

/** What nobody but its own partner may see. */
export const HIDDEN: readonly string[] = [
  HIDDEN_VISIT,
  SECRET,
  HIDDEN_REPORT,
  HIDDEN_LETTER,
  HIDDEN_TEXT,
  HIDDEN_SIGNED,
  OTHERS,
  NARROWED,
];

/** Stands in hidden rows alone: it must be in no answer whatever. */
export const CANARY = 'canary-of-hidden-rows';

export const LOINC = 'http://loinc.org';
export const CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category';

type Rest = Readonly<Record<string, unknown>>;

const coded = (code: string): object => ({ coding: [{ system: LOINC, code }], text: code });
const observation = (one: string, kind: string, code: string, rest: Rest): Planted => ({
  resourceType: 'Observation',
  id: one,
  status: 'final',
  category: [{ coding: [{ system: CATEGORY, code: kind }] }],
  code: coded(code),
  ...rest,
});
const encounter = (one: string, rest: Rest): Planted => ({
  resourceType: 'Encounter',
  id: one,
  status: 'finished',
  class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
  ...rest,
});
const report = (one: string, rest: Rest): Planted => ({
  resourceType: 'DiagnosticReport',
  id: one,
  status: 'final',
  code: coded('panel'),
  ...rest,
});
const letter = (one: string, text: string, rest: Rest): Planted => ({
  resourceType: 'DocumentReference',
  id: one,
  status: 'current',
  content: [{ attachment: { contentType: 'text/plain', url: `Binary/${text}` } }],
  ...rest,
});
const text = (one: string, words: string): Planted => ({
  resourceType: 'Binary',
  id: one,
  contentType: 'text/plain',
  data: Buffer.from(words).toString('base64'),
});
const signed = (one: string, who: string, ...targets: string[]): Planted => ({
  resourceType: 'Provenance',
  id: one,
  target: targets.map(seen),
  recorded: '2026-01-01T10:00:00Z',
  agent: [{ who: { display: who } }],
});
const at = (one: string): object => ({ reference: `Encounter/${one}` });
const seen = (one: string): object => ({ reference: `Observation/${one}` });

/** @param other somebody who has nothing to do with the person */
export async function plantTangledRecord(client: pg.Client, person: string, other: string): Promise<void> {
  const [acute, gp] = [await sourceOf(client, 'acute'), await sourceOf(client, 'gp')];
  const subject = { reference: `Patient/${person}` };
  const open = (resource: Planted, source = acute) => plant(client, person, source, resource);
  const labelled = (resource: Planted, source = acute) =>
    plant(client, person, source, resource, [RESTRICTED]);
  const visit = { subject, encounter: at(VISIT) };
  await open(encounter(VISIT, { subject, period: { start: '2026-01-05', end: '2026-01-05' } }));
  const reasonCode = [{ text: CANARY }];
  await labelled(encounter(HIDDEN_VISIT, { subject, period: { start: '1999-01-05' }, reasonCode }));
  const pulse = { effectiveDateTime: '2026-01-05', valueQuantity: { value: 70 } };
  const hasMember = [seen(SECRET), seen(LAB)];
  await open(observation(PULSE, 'vital-signs', 'pulse', { ...visit, ...pulse, hasMember }));
  const secret = {
    effectiveDateTime: '1999-01-05',
    valueQuantity: { value: 5000 },
    note: [{ text: CANARY }],
  };
  const links = { derivedFrom: [seen(PULSE)], hasMember: [seen(LAB), seen(WIDENED)] };
  await labelled(observation(SECRET, 'laboratory', 'secret', { ...visit, ...secret, ...links }));
  const lab = { effectiveDateTime: '2026-01-06', valueQuantity: { value: 4 } };
  await open(observation(LAB, 'laboratory', 'lab', { subject, ...lab, encounter: at(HIDDEN_VISIT) }));
  await open(report(REPORT, { ...visit, result: [seen(PULSE), seen(SECRET), seen(LAB)] }));
  await labelled(report(HIDDEN_REPORT, { ...visit, result: [seen(PULSE)], conclusion: CANARY }));
  await open(letter(LETTER, LETTER_TEXT, { subject, description: 'open' }), gp);
  await labelled(letter(HIDDEN_LETTER, HIDDEN_TEXT, { subject, description: CANARY }), gp);
  await open(text(LETTER_TEXT, 'open'), gp);
  await open(text(HIDDEN_TEXT, CANARY), gp);
  await open(signed(SIGNED, 'Someone', PULSE, SECRET));
  await labelled(signed(HIDDEN_SIGNED, CANARY, PULSE));
  const procedure = { resourceType: 'Procedure', id: PRIVATE, status: 'completed' };
  const reasonReference = [seen(PULSE)];
  await plant(client, person, acute, { ...procedure, ...visit, reasonReference }, [NOT_FOR_PATIENT]);
  const theirs = { subject: { reference: `Patient/${other}` }, note: [{ text: CANARY }] };
  await plant(
    client,
    other,
    gp,
    observation(OTHERS, 'laboratory', 'others', { ...theirs, focus: [subject, seen(PULSE)] }),
  );
  await plantVersions(client, person, acute, visit);
}

/** Each in two versions: 1, and that of the hospital's last load. */
async function plantVersions(
  client: pg.Client,
  person: string,
  acute: Awaited<ReturnType<typeof sourceOf>>,
  visit: Rest,
): Promise<void> {
  const before = { from: 1, to: acute.loadNo };
  const note = [{ text: CANARY }];
  const vital = (one: string, rest: Rest): Planted =>
    observation(one, 'vital-signs', 'changed', { ...visit, ...rest });
  await plant(client, person, acute, vital(NARROWED, { note }), [], before);
  await plant(client, person, acute, vital(NARROWED, { note }), [RESTRICTED]);
  await plant(client, person, acute, vital(WIDENED, { note }), [RESTRICTED], before);
  await plant(client, person, acute, vital(WIDENED, {}));
  await plant(client, person, acute, observation(RECLASSED, 'laboratory', 'changed', visit), [], before);
  await plant(client, person, acute, vital(RECLASSED, {}));
}
