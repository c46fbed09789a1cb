import { type IndexedComponent, type IndexedParameter, indexedParameters, type Leaf } from './indexed.ts';
import { type Fields, LineWriter } from './line.ts';
import type { ParameterType } from './parameter.ts';
import {
  dateFields,
  quantityFields,
  referenceFields,
  stringFields,
  tokenFields,
  uriFields,
} from './values-of.ts';

/**
 * The values that a resource is found by. One form for everything that is searched: made when a resource is stored, and
 * in the same way for what a live source answers.
 */

type Json = Readonly<Record<string, unknown>>;

/** A parameter that has entries of its own, ready to be walked. */
interface Plan {
  readonly name: string;
  readonly type: ParameterType;
  readonly leaves: readonly Leaf[];
  readonly bases?: readonly (readonly string[])[];
  readonly components?: readonly IndexedComponent[];
}

const PLANS = new Map<string, readonly Plan[]>();

/**
 * @param resource valid R4, its references already those of this record; decimals may be marked (`decimals.ts`)
 * @returns its search line; empty for a type that is not served
 */
export function searchLine(resource: object): string {
  const type = String((resource as Json)['resourceType']);
  const line = new LineWriter();
  for (const plan of plansOf(type)) {
    if (plan.components === undefined) addLeaves(line, plan, resource as Json);
    else addComposites(line, plan, resource as Json);
  }
  return line.text();
}

function plansOf(type: string): readonly Plan[] {
  let plans = PLANS.get(type);
  if (plans === undefined) {
    plans = [...indexedParameters(type)].flatMap(([name, parameter]) => planOf(name, parameter));
    PLANS.set(type, plans);
  }
  return plans;
}

/** What is the same as other parameters' values is not written again. */
function planOf(name: string, parameter: IndexedParameter): Plan[] {
  const { type, leaves = [], bases, components } = parameter;
  if (parameter.of !== undefined || parameter.parts !== undefined) return [];
  if (components !== undefined && bases === undefined) return [];
  return [
    {
      name,
      type,
      leaves,
      ...(bases !== undefined && { bases }),
      ...(components !== undefined && { components }),
    },
  ];
}

function addLeaves(line: LineWriter, { name, type, leaves }: Plan, resource: Json): void {
  for (const leaf of leaves) {
    const from = leaf.typed === undefined ? resource : onlyTyped(resource, leaf.path[0] ?? '', leaf.typed);
    eachValue(from, leaf.path, 0, (value) => {
      for (const fields of fieldsFor(type, leaf, value)) line.add(name, fields);
    });
  }
}

/** The resource with those elements of a member alone whose type has the code. */
function onlyTyped(resource: Json, member: string, code: string): Json {
  const isOf = (element: unknown): boolean => {
    let found = false;
    eachValue(element, ['type', 'coding', 'code'], 0, (value) => {
      found ||= value === code;
    });
    return found;
  };
  const elements = resource[member];
  return { [member]: Array.isArray(elements) ? elements.filter(isOf) : elements };
}

/** Every way in which the components occur together in one element. */
function addComposites(line: LineWriter, { name, bases = [], components = [] }: Plan, resource: Json): void {
  for (const base of bases) {
    eachValue(resource, base, 0, (element) => {
      let together: (readonly Fields[])[] = [[]];
      for (const component of components) {
        const fields = componentFields(component, element);
        together = together.flatMap((before) => fields.map((each) => [...before, each]));
      }
      for (const parts of together) line.addParts(name, parts);
    });
  }
}

function componentFields({ type, leaves = [] }: IndexedComponent, element: unknown): readonly Fields[] {
  const found: Fields[] = [];
  for (const leaf of leaves) {
    eachValue(element, leaf.path, 0, (value) => found.push(...fieldsFor(type, leaf, value)));
  }
  return found;
}

const NOTHING: readonly never[] = [];

/** What is at a path, through every list on the way. */
function eachValue(
  value: unknown,
  path: readonly string[],
  depth: number,
  visit: (value: unknown) => void,
): void {
  if (value === undefined || value === null) return;
  if (Array.isArray(value)) {
    for (const each of value) eachValue(each, path, depth, visit);
    return;
  }
  const name = path[depth];
  if (name === undefined) visit(value);
  else if (typeof value === 'object') eachValue((value as Json)[name], path, depth + 1, visit);
}

function fieldsFor(type: ParameterType, leaf: Leaf, value: unknown): readonly Fields[] {
  switch (type) {
    case 'token':
      return tokenFields(leaf, value);
    case 'string':
      return stringFields(leaf, value);
    case 'date':
      return dateFields(leaf, value);
    case 'reference':
      return referenceFields(leaf, value);
    case 'number':
    case 'quantity':
      return quantityFields(leaf, value);
    case 'uri':
      return uriFields(value);
    case 'composite':
    case 'special':
      return NOTHING;
  }
}
