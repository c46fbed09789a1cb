import { COUNT, FORMAT, ID, PRETTY, patientParameter } from '../fhir/search/common.ts';
import type { IdentifierReader, ParameterDefinition, ParameterTable } from '../fhir/search/parameter.ts';
import { parameterTable } from '../fhir/search/parameter.ts';
import { SERVED_NAMES, type ServedTypeName, served } from '../fhir/served.ts';
import { NHS_NUMBER_SYSTEM, readNhsNumber } from '../identity/nhs-number.ts';

/** What can be searched of a type: read by the routes and by the CapabilityStatement. */
export interface Search {
  readonly parameters: readonly DocumentedParameter[];
  readonly table: ParameterTable;
}

export interface DocumentedParameter {
  readonly name: string;
  readonly type: ParameterDefinition['type'];
  readonly documentation: string;
}

/** Systems that name a person in a search. A number that fails its check digit is refused, not searched for. */
const PERSON_IDENTIFIERS: ReadonlyMap<string, IdentifierReader> = new Map([
  [NHS_NUMBER_SYSTEM, readNhsNumber],
]);

type Declared = readonly [ParameterDefinition, documentation: string];

const ids: Declared = [ID, 'The resource with this id.'];

const patient: Declared = [
  patientParameter('patient', PERSON_IDENTIFIERS),
  'The person: an id, Patient/id, or by NHS number with :identifier or the chain .identifier.',
];

const CLINICAL: readonly Declared[] = [patient, ids];

const PATIENT: readonly Declared[] = [
  [
    { name: 'identifier', type: 'token', multiple: false, list: false, identifiers: PERSON_IDENTIFIERS },
    `An NHS number: ${NHS_NUMBER_SYSTEM}|value.`,
  ],
  [
    { name: 'family', type: 'string', multiple: false, list: false },
    'With given and birthdate: the whole family name.',
  ],
  [
    { name: 'given', type: 'string', multiple: false, list: false },
    'With family and birthdate: the first given name.',
  ],
  [
    { name: 'birthdate', type: 'date', multiple: false, list: false, prefixes: ['eq'] },
    'With family and given: the day of birth.',
  ],
  ids,
];

const AUDIT: readonly Declared[] = [
  [
    { name: 'date', type: 'date', multiple: true, list: false },
    'When it was recorded: required, bounded on both sides.',
  ],
  patient,
  ids,
];

const DIRECTORY: readonly Declared[] = [
  [{ name: 'identifier', type: 'token', multiple: false }, 'An identifier: system|value.'],
  ids,
];

function declaredFor(type: ServedTypeName): readonly Declared[] | undefined {
  switch (served(type).keeping) {
    case 'person':
      return PATIENT;
    case 'clinical':
      return CLINICAL;
    case 'directory':
      return DIRECTORY;
    case 'own':
      return type === 'AuditEvent' ? AUDIT : CLINICAL;
    case 'referenced':
      return undefined;
  }
}

/** Searches by type; types that are only read are not in it. */
export const SEARCHES: Readonly<Partial<Record<ServedTypeName, Search>>> = Object.fromEntries(
  SERVED_NAMES.flatMap((type): [string, Search][] => {
    const declared = declaredFor(type);
    if (declared === undefined) return [];
    const parameters = declared.map(([{ name, type: kind }, documentation]) => ({
      name,
      type: kind,
      documentation,
    }));
    return [
      [type, { parameters, table: parameterTable(...declared.map(([d]) => d), COUNT, FORMAT, PRETTY) }],
    ];
  }),
);

/** `$everything` takes only these (start, end, _since and _type come with the full search). */
export const EVERYTHING_TABLE = parameterTable(COUNT, FORMAT, PRETTY);

/** A read takes only these. */
export const READ_TABLE = parameterTable(FORMAT, PRETTY);
