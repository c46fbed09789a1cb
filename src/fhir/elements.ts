import { DEFINITIONS, type ElementDefinition, elementName, type ObjectDefinition } from './r4.ts';
import { referencesIn } from './references.ts';
import { isServed, served } from './served.ts';

/** Leaving elements out of a resource, so that what is left is still FHIR and says that it is not whole. */

type Json = Readonly<Record<string, unknown>>;

export const SUBSETTED = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  code: 'SUBSETTED',
} as const;

/** What a resource is, and what protects it: never left out, whatever R4 allows. */
const ALWAYS_KEPT = new Set(['resourceType', 'id', 'meta', 'implicitRules', 'status', 'modifierExtension']);

/**
 * Whether a sharing policy may leave an element out. Not so: elements that R4 requires, modifier elements (without
 * them the rest means something else), the status, the person, and elements that the type does not have.
 *
 * @param element `note`, `value[x]` or one level deeper, `name.given`; without indexes
 */
export function removableElement(type: string, element: string): boolean {
  const [top = '', inner, ...deeper] = element.split('.');
  const definition = definitionOf(type);
  if (definition === undefined || deeper.length > 0 || ALWAYS_KEPT.has(top)) return false;
  if (isServed(type) && served(type).person?.split('.')[0] === top) return false;
  // one level deeper the element around must be optional too: it goes when nothing is left in it
  if (!isOptional(definition, top)) return false;
  if (inner === undefined) return true;
  const target = definitionBehind(definition.properties, top);
  return target !== undefined && isOptional(target, inner);
}

/**
 * A copy of a resource without some of its elements and their primitive companions (`_name`). The narrative goes
 * too, since it repeats what was taken out, and so do contained resources that nothing refers to any more; `meta.tag`
 * says SUBSETTED. A resource that has none of the elements is given back as it is.
 *
 * @throws Error for an element that is not removable: a policy is checked before it is used, and one that was not
 * must not disclose what it meant to withhold
 */
export function withoutElements<T extends object>(resource: T, elements: readonly string[]): T {
  const members = resource as Json;
  const type = String(members['resourceType']);
  let rest: Json = members;
  for (const element of elements) {
    if (!removableElement(type, element)) throw new Error(`${element} of ${type} cannot be left out.`);
    rest = without(rest, definitionOf(type), element);
  }
  if (rest === members) return resource;
  const { text, ...told } = rest;
  return subsetted(withReferredContained(told)) as T;
}

/**
 * A copy of a resource with only the members named and their primitive companions (`_name`), tagged SUBSETTED; of
 * contained resources those that are still referred to. Which members must stay is the caller's to know.
 */
export function keepOnly<T extends object>(resource: T, members: ReadonlySet<string>): T {
  const kept = Object.entries(resource).filter(
    ([name]) => name === 'contained' || members.has(name.startsWith('_') ? name.slice(1) : name),
  );
  return subsetted(withReferredContained(Object.fromEntries(kept))) as T;
}

function definitionOf(type: string): ObjectDefinition | undefined {
  return Object.hasOwn(DEFINITIONS, type) ? DEFINITIONS[type] : undefined;
}

function definitionBehind(
  properties: Readonly<Record<string, ElementDefinition>> | undefined,
  name: string,
): ObjectDefinition | undefined {
  if (properties === undefined || !Object.hasOwn(properties, name)) return undefined;
  const reference = properties[name]?.$ref ?? properties[name]?.items?.$ref;
  return reference === undefined ? undefined : definitionOf(reference.slice('#/definitions/'.length));
}

function isOptional(definition: ObjectDefinition, name: string): boolean {
  const base = choiceName(definition, name);
  if (base === undefined && (name.startsWith('_') || !Object.hasOwn(definition.properties ?? {}, name)))
    return false;
  const element = base ?? name;
  const mandatory = [...(definition.required ?? []), ...(definition.present ?? [])];
  const choice = definition.choices?.[element];
  return !mandatory.includes(element) && !definition.modifiers?.includes(element) && (choice?.min ?? 0) === 0;
}

/** @returns `value` for `value[x]` and for `valueQuantity`; undefined for what is no choice element */
function choiceName(definition: ObjectDefinition, name: string): string | undefined {
  const base = name.endsWith('[x]') ? name.slice(0, -3) : elementName(name);
  const choice = Object.hasOwn(definition.choices ?? {}, base) ? definition.choices?.[base] : undefined;
  if (choice === undefined) return undefined;
  return name.endsWith('[x]') || choice.members.includes(name) ? base : undefined;
}

function without(object: Json, definition: ObjectDefinition | undefined, element: string): Json {
  const [top = '', inner] = element.split('.');
  if (inner !== undefined) {
    const behind = definitionBehind(definition?.properties, top);
    return Object.hasOwn(object, top)
      ? withoutInner(object, top, (each) => without(each, behind, inner))
      : object;
  }
  const names = new Set(
    top.endsWith('[x]') ? (definition?.choices?.[top.slice(0, -3)]?.members ?? []) : [top],
  );
  const kept = Object.entries(object).filter(
    ([name]) => !names.has(name.startsWith('_') ? name.slice(1) : name),
  );
  return kept.length === Object.keys(object).length ? object : Object.fromEntries(kept);
}

function withoutInner(object: Json, name: string, remove: (each: Json) => Json): Json {
  const value = object[name];
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  const left = items.map((item) => (typeof item === 'object' && item !== null ? remove(item as Json) : item));
  if (left.every((item, index) => item === items[index])) return object;
  // an object that is left without content is no FHIR, so it goes as a whole
  const full = left.filter((item) => !isEmpty(item));
  if (full.length === 0) return without(object, undefined, name);
  return { ...object, [name]: Array.isArray(value) ? full : full[0] };
}

function isEmpty(item: unknown): boolean {
  return typeof item === 'object' && item !== null && Object.keys(item).every((name) => name === 'id');
}

/** Keeps the contained resources that are still referred to, directly or through another that is kept. */
function withReferredContained(resource: Json): Json {
  const { contained, ...rest } = resource;
  if (!Array.isArray(contained)) return resource;
  const kept = new Set<unknown>();
  const candidates = (contained as readonly unknown[]).filter(
    (item): item is Json => typeof item === 'object',
  );
  const pending: Json[] = [rest];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const literals = new Set([...referencesIn(next)].map((found) => found.literal));
    for (const item of candidates) {
      if (kept.has(item) || !literals.has(`#${String(item['id'])}`)) continue;
      kept.add(item);
      pending.push(item);
    }
  }
  const left = candidates.filter((item) => kept.has(item));
  return left.length > 0 ? { ...rest, contained: left } : rest;
}

function subsetted(resource: Json): Json {
  const meta = (resource['meta'] ?? {}) as { readonly tag?: readonly { system?: string; code?: string }[] };
  const tags = meta.tag ?? [];
  if (tags.some((tag) => tag.system === SUBSETTED.system && tag.code === SUBSETTED.code)) return resource;
  return { ...resource, meta: { ...meta, tag: [...tags, SUBSETTED] } };
}
