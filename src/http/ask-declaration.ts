import type { Ask, PersonReference } from '../access/ask.ts';
import { Problem } from '../fhir/problem.ts';
import { NHS_NUMBER_SYSTEM, readNhsNumber } from '../identity/nhs-number.ts';
import { idOfOurs, requireId } from './ids.ts';
import { operationInputs } from './parameters.ts';

const LONGEST_REASON = 500;
const MOST_HOURS = 720;
const SOMETHING = /[\p{L}\p{N}]/u;
const CONTROL = /[\p{Cc}\p{Cs}]/u;

/**
 * `Patient/$declare-relationship`: that the user cares for a person, why, and for how long. The person is named by id, or
 * by NHS number where nothing of the person may be read yet.
 *
 * @param body the Parameters resource: `patient` or `identifier` (`system|value`), `reason`, `hours`
 * @throws Problem `invalid` naming the parameter that is missing or cannot be understood
 */
export function askOfDeclaration(body: Readonly<Record<string, unknown>>): Ask {
  const inputs = operationInputs(body, ['patient', 'identifier', 'reason', 'hours']);
  const textOf = (name: string): string | undefined => inputs.find((input) => input.name === name)?.text;
  const reason = textOf('reason')?.trim() ?? '';
  if (!SOMETHING.test(reason) || CONTROL.test(reason) || reason.length > LONGEST_REASON) {
    throw invalid('reason', `State the reason, in one line of at most ${LONGEST_REASON} characters.`);
  }
  const hours = hoursOf(textOf('hours'));
  return {
    interaction: 'declare-relationship',
    type: 'Patient',
    person: personOf(textOf('patient'), textOf('identifier')),
    declares: { reason, ...(hours === undefined ? {} : { hours }) },
    count: 1,
  };
}

function personOf(patient: string | undefined, identifier: string | undefined): PersonReference {
  if ((patient === undefined) === (identifier === undefined))
    throw invalid('patient', 'Name the person, by patient (an id) or by identifier (an NHS number).');
  if (patient !== undefined) {
    const id = patient.startsWith('Patient/') ? patient.slice('Patient/'.length) : patient;
    return { by: 'person-id', id: idOfOurs(requireId(id)) };
  }
  const [system, value = '', ...more] = (identifier ?? '').split('|');
  const nhsNumber = system === NHS_NUMBER_SYSTEM && more.length === 0 ? readNhsNumber(value) : undefined;
  if (nhsNumber === undefined)
    throw invalid('identifier', `Give ${NHS_NUMBER_SYSTEM}| and the NHS number, with its right check digit.`);
  return { by: 'nhs-number', nhsNumber };
}

function hoursOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const hours = Number(text);
  if (!/^[1-9]\d{0,2}$/.test(text) || hours > MOST_HOURS)
    throw invalid('hours', `Give a whole number of hours, at most ${MOST_HOURS}.`);
  return hours;
}

function invalid(name: string, message: string): Problem {
  return new Problem('invalid', message, { expression: [name] });
}
