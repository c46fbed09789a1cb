import type { Ask, CertainPerson, PersonReference } from '../access/ask.ts';
import { Problem } from '../fhir/problem.ts';
import { validateStructure } from '../fhir/structure.ts';
import { NHS_NUMBER_SYSTEM, readNhsNumber } from '../identity/nhs-number.ts';
import { operationInputs, resourceInput } from './parameters.ts';

/** What `$match` reads of the Patient that it is given. */
interface Described {
  readonly identifier?: readonly { readonly system?: string; readonly value?: string }[];
  readonly name?: readonly {
    readonly use?: string;
    readonly family?: string;
    readonly given?: readonly string[];
  }[];
  readonly birthDate?: string;
  readonly gender?: string;
  readonly address?: readonly { readonly postalCode?: string }[];
}

const ENOUGH =
  'Give enough to mean one person: NHS number and whole birthDate; or family, given, whole birthDate, gender and postalCode.';

/**
 * `Patient/$match` (R4 patient-operation-match): a person by what is known of them, where that is certain. What is given
 * must all be true of the person; nobody is offered as probable.
 *
 * @param body the Parameters resource
 * @throws Problem `invalid` for a body that is not understood, `too-costly` for one that could mean several people
 */
export function askOfMatch(body: Readonly<Record<string, unknown>>): Ask {
  const inputs = operationInputs(body, ['resource', 'onlyCertainMatches', 'count']);
  const resource = resourceInput(inputs);
  const [fault] =
    resource['resourceType'] === 'Patient'
      ? validateStructure(resource)
      : [{ element: 'resourceType', rule: 'no Patient' }];
  if (fault !== undefined) {
    throw new Problem('invalid', `The resource is no Patient of FHIR R4: ${fault.rule}.`, {
      expression: [fault.element],
    });
  }
  const certain = certainPerson(resource as Described);
  const person = personOf(resource as Described, certain);
  return { interaction: 'match', type: 'Patient', person, certain, count: 1 };
}

function certainPerson({ name = [], birthDate = '', gender, address = [] }: Described): CertainPerson {
  if (birthDate.length !== 10) throw notEnough();
  const known = name.find(({ use }) => use === 'official') ?? name.find(({ use }) => use !== 'old') ?? {};
  const [given] = known.given ?? [];
  const postalCode = address.find((each) => each.postalCode !== undefined)?.postalCode;
  return {
    birthDate,
    ...(known.family === undefined ? {} : { family: known.family }),
    ...(given === undefined ? {} : { given }),
    ...(gender === undefined ? {} : { gender }),
    ...(postalCode === undefined ? {} : { postalCode }),
  };
}

function personOf({ identifier = [] }: Described, certain: CertainPerson): PersonReference {
  const numbers = identifier
    .filter(({ system }) => system === NHS_NUMBER_SYSTEM)
    .map(({ value = '' }) => readNhsNumber(value));
  const [nhsNumber, another] = numbers;
  if (numbers.length > 0 && (nhsNumber === undefined || another !== undefined)) {
    throw new Problem('invalid', 'Give one NHS number, with its right check digit.', {
      expression: ['Patient.identifier'],
    });
  }
  if (nhsNumber !== undefined) return { by: 'nhs-number', nhsNumber };
  const { family, given, birthDate, gender, postalCode } = certain;
  if (family === undefined || given === undefined || gender === undefined || postalCode === undefined)
    throw notEnough();
  return { by: 'demographics', family, given, birthDate };
}

function notEnough(): Problem {
  return new Problem('too-costly', ENOUGH, { expression: ['resource'] });
}
