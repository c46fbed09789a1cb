import { syntheticNhsNumber } from '../../demo/county/nhs-number.ts';
import { Random } from '../../demo/county/random.ts';
import { observation, optOut, patient, type Row } from '../loads/rows.ts';
import type { ExtractSpec } from '../loads/world.ts';

/** Two nights of one source; the second adds, changes, deletes, moves, restricts, loosens, quarantines and copies. */

const PEOPLE = 60;
const RESTRICTED = {
  meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] },
};

export function firstNight(seed: number): ExtractSpec {
  return { source: 'gp', sequence: 1, files: filesOf(rowsOf(seed, false)) };
}

export function secondNight(seed: number): ExtractSpec {
  return { source: 'gp', sequence: 2, files: filesOf(rowsOf(seed, true)) };
}

/** The second night as a delta: it ends as the full one does. */
export function secondNightAsDelta(seed: number): ExtractSpec {
  const rows = rowsOf(seed, true);
  const left = new Set(rows.map(nameOf));
  const gone = rowsOf(seed, false).filter((row) => !left.has(nameOf(row)) && row.resourceType !== 'Consent');
  const purge = gone.map(({ resourceType, id }) => ({ resourceType, id }));
  return { source: 'gp', sequence: 2, kind: 'delta', files: { ...filesOf(rows), Purge: purge } };
}

const nameOf = ({ resourceType, id }: Row): string => `${resourceType}/${id}`;

const TYPES = ['Patient', 'Practitioner', 'Consent', 'Observation', 'Medication', 'MedicationRequest'];

function filesOf(rows: readonly Row[]): ExtractSpec['files'] {
  return Object.fromEntries(TYPES.map((type) => [type, rows.filter((row) => row.resourceType === type)]));
}

function rowsOf(seed: number, second: boolean): readonly Row[] {
  const rows: Row[] = [
    { resourceType: 'Practitioner', id: 'd1', active: !second },
    { resourceType: 'Medication', id: 'm1', code: { text: second ? 'Aspirin 75 mg' : 'Aspirin' } },
    { resourceType: 'Medication', id: 'm2', code: { text: 'Ibuprofen' } },
  ];
  for (let person = 0; person < PEOPLE; person += 1) {
    const random = new Random(seed, 'crash person', person);
    rows.push(...rowsOfPerson(person, random.whole(0, 9), random.whole(1, 8), second));
  }
  return rows;
}

/** @param fate what the second night brings to the person */
function rowsOfPerson(person: number, fate: number, values: number, second: boolean): readonly Row[] {
  if (fate === 0 && second) return [];
  if (fate === 1 && !second) return [];
  const id = `p${person}`;
  const number = syntheticNhsNumber(fate === 2 && second ? person + PEOPLE : person);
  const consents = [
    ...(fate === 3
      ? [optOut(`c${person}`, id, second ? 'permit' : 'deny', `2026-0${second ? 2 : 1}-01`)]
      : []),
    ...(fate === 4 && second ? [optOut(`c${person}`, id, 'deny', '2026-02-01')] : []),
  ];
  const twin = patient(`${id}-twin`, number, { birthDate: '1999-01-01' });
  const measured = Array.from({ length: values + (fate === 6 && second ? 1 : 0) }, (_, n) =>
    observation(`o${person}-${n}`, id, fate >= 7 && second && n === 0 ? 2 : 1),
  );
  const request: Row = {
    resourceType: 'MedicationRequest',
    id: `r${person}`,
    status: 'active',
    intent: 'order',
    medicationReference: { reference: `Medication/m${fate === 8 && second ? 2 : 1}` },
    subject: { reference: `Patient/${id}` },
  };
  return [
    patient(id, number, fate === 5 && second ? RESTRICTED : {}),
    ...(fate === 6 && second && person % 3 === 0 ? [twin] : []),
    ...consents,
    ...measured,
    request,
  ];
}
