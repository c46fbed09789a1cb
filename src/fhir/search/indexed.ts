import { SEARCH_PARAMETERS } from '../generated/search-parameters.ts';
import type { ServedTypeName } from '../served.ts';
import type { ParameterType } from './parameter.ts';

/** The search parameters that R4 defines for the served types, and where in a resource their values come from. */

/** Where values come from: JSON members from the resource (or an element of it) inwards, each perhaps a list. */
export interface Leaf {
  readonly path: readonly string[];
  /** the FHIR type of what is there; the type of the resource where the value is what the whole says */
  readonly is: string;
  /** of a bare code: the system of the value set that it must be from */
  readonly system?: string;
  /** of a bare code: those that are of another system */
  readonly systems?: Readonly<Record<string, string>>;
  /** of a reference: only those to this type */
  readonly target?: string;
  /** of a ContactPoint: only those of this system */
  readonly where?: string;
  /** only in elements, at the first member of the path, whose `type` has this code */
  readonly typed?: string;
}

export interface IndexedComponent {
  readonly type: ParameterType;
  /** the parameter of the same type whose values these are; absent: `leaves` */
  readonly name?: string;
  readonly leaves?: readonly Leaf[];
}

/**
 * One parameter of a type. Its values come from `leaves`; or are those of the parameter `of` that lead to the type
 * `only`; or those of all of `parts`; or, for a composite, those of its components together, found in each of `bases` or
 * anywhere in the resource.
 */
export interface IndexedParameter {
  readonly type: ParameterType;
  /** canonical URL of R4's definition */
  readonly url: string;
  readonly leaves?: readonly Leaf[];
  /** reference: the types that it may lead to; empty: any */
  readonly targets?: readonly string[];
  readonly of?: string;
  readonly only?: string;
  readonly parts?: readonly string[];
  readonly bases?: readonly (readonly string[])[];
  readonly components?: readonly IndexedComponent[];
}

type Parameters = Readonly<Record<string, IndexedParameter>>;

interface Generated {
  readonly common: Parameters;
  readonly types: Readonly<Record<ServedTypeName, Parameters>>;
  readonly summary: Readonly<Record<ServedTypeName, readonly string[]>>;
  readonly leftOut: Readonly<Record<string, string>>;
}

// The generated constant is untyped so that the compiler need not read it; the generator and this file agree on it.
const { common, types, summary, leftOut } = SEARCH_PARAMETERS as Partial<Generated>;
if (common === undefined || types === undefined || summary === undefined || leftOut === undefined) {
  throw new Error('src/fhir/generated/search-parameters.ts is not what src/fhir/generate-search.mjs writes.');
}

const BY_TYPE = new Map(
  Object.entries(types).map(([type, own]) => [type, new Map(Object.entries({ ...common, ...own }))]),
);
const NONE: ReadonlyMap<string, IndexedParameter> = new Map();

/** Parameters by name: those of every resource and those of the type; none for a type that is not served. */
export function indexedParameters(type: string): ReadonlyMap<string, IndexedParameter> {
  return BY_TYPE.get(type) ?? NONE;
}

/** JSON members of a type that belong to its summary (`isSummary` of the R4 definitions). */
export function summaryElements(type: ServedTypeName): readonly string[] {
  return summary?.[type] ?? [];
}

/** R4 parameters of the served types that are not served, each with the reason. */
export const LEFT_OUT: Readonly<Record<string, string>> = leftOut;
