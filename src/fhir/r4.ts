import { STRUCTURE } from './generated/structure.ts';

/** A choice element (`value[x]`): its members' names, and whether one of them must be there. */
export interface Choice {
  readonly min: number;
  readonly members: readonly string[];
}

/**
 * One object of R4 as JSON schema. Beside the schema's own keywords it has ours: `present` (required primitives,
 * which may be given as `_name` alone), `choices`, `paired` (arrays of primitives with a companion array),
 * `modifiers` (elements that change the meaning of the rest).
 */
export interface ObjectDefinition {
  readonly properties?: Readonly<Record<string, ElementDefinition>>;
  readonly required?: readonly string[];
  readonly present?: readonly string[];
  readonly choices?: Readonly<Record<string, Choice>>;
  readonly paired?: readonly string[];
  readonly modifiers?: readonly string[];
}

/** What an element holds: a primitive, a reference to another definition, or a list of either. */
export interface ElementDefinition {
  readonly $ref?: string;
  readonly items?: ElementDefinition;
}

interface Structure {
  readonly definitions: Readonly<Record<string, ObjectDefinition>>;
  readonly roots: readonly string[];
  readonly resourceTypes: readonly string[];
}

// The generated constant is untyped so that the compiler need not read it; the generator and this file agree on it.
const { definitions, roots, resourceTypes } = STRUCTURE as Partial<Structure>;
if (definitions === undefined || roots === undefined || resourceTypes === undefined) {
  throw new Error('src/fhir/generated/structure.ts is not what src/fhir/generate.mjs writes.');
}

/** The objects of R4 that our types need, by path: `Patient`, `Patient.contact`, `HumanName`. */
export const DEFINITIONS: Readonly<Record<string, ObjectDefinition>> = definitions;

const CHECKED = new Set(roots);
const RESOURCE_TYPES = new Set(resourceTypes);

/** Whether the structure of a type is known in full: the served types and the envelopes around them. */
export function isCheckedType(type: string): boolean {
  return CHECKED.has(type);
}

/** Whether R4 has a resource of this name. */
export function isResourceType(type: string): boolean {
  return RESOURCE_TYPES.has(type);
}

const CHOICE_OF = new Map<string, string>();
for (const definition of Object.values(definitions)) {
  for (const [name, choice] of Object.entries(definition.choices ?? {})) {
    for (const member of choice.members) CHOICE_OF.set(member, name);
  }
}

/** The FHIRPath name of a JSON member: `value` for `valueQuantity`, `birthDate` for `_birthDate`. */
export function elementName(member: string): string {
  const name = member.startsWith('_') ? member.slice(1) : member;
  return CHOICE_OF.get(name) ?? name;
}
