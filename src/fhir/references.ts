import { isServed, served } from './served.ts';

/** References of FHIR R4 (references.html): where they are in a resource, whose they are, and their rewriting. */

export interface LocalReference {
  readonly type: string;
  readonly id: string;
}

export interface FoundReference {
  /** dotted path without indexes: `Observation.performer`, `Patient.contained.managingOrganization` */
  readonly element: string;
  readonly literal: string;
  /** the literal as `Type/id` on the sender's server; absent for `#id`, absolute and conditional references */
  readonly local?: LocalReference;
}

/** The system of a reference that leads nowhere in this record: the target was not sent, or is not ours. */
export const UNRESOLVED_SYSTEM = 'urn:mcr:unresolved';

const LOCAL = /^([A-Z][A-Za-z]{0,63})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;
const LOCAL_TAIL = /\/([A-Z][A-Za-z]{0,63})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;
/** Of an absolute or conditional literal the type that it names. */
const ROW_TYPE =
  /\/([A-Z][A-Za-z]{0,63})\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$|(?:^|\/)([A-Z][A-Za-z]{0,63})\?/;
const MAX_LITERAL = 2048;

type Json = Readonly<Record<string, unknown>>;

/** @returns the target of a relative reference, with or without version; undefined for any other text */
export function localReference(literal: string): LocalReference | undefined {
  const [, type, id] = LOCAL.exec(literal) ?? [];
  return type === undefined || id === undefined ? undefined : { type, id };
}

/**
 * Points every reference at this record. `map` answers the new literal (`Patient/…`) of a relative reference, or
 * undefined where there is no such resource here. Then, and for every absolute or conditional reference, the literal
 * is replaced by a logical identifier, so that no address of a partner's server is kept or followed; `type` and an
 * identifier that is already there stay, and so does `display`, but for what is a row of somebody's record: its words
 * would be seen where the row is not. References to contained resources (`#id`) stay as they are.
 * An attachment's relative `Binary/id` is a reference in all but name and is treated alike: mapped, or left out.
 *
 * @param resource a resource that is valid by `validateStructure` (its depth is bounded there)
 * @returns the same object where nothing changed, otherwise a copy
 */
export function rewriteReferences<T extends object>(
  resource: T,
  map: (reference: LocalReference) => string | undefined,
): T {
  return rewriteObject(resource as Json, map) as T;
}

type Mapping = (reference: LocalReference) => string | undefined;

function rewriteValue(value: object, map: Mapping): object {
  return Array.isArray(value) ? rewriteItems(value, map) : rewriteObject(value as Json, map);
}

function rewriteItems(list: readonly unknown[], map: Mapping): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let at = 0; at < list.length; at += 1) {
    const item = list[at];
    if (typeof item !== 'object' || item === null) continue;
    const rewritten = rewriteValue(item, map);
    if (rewritten === item) continue;
    copy ??= [...list];
    copy[at] = rewritten;
  }
  return copy ?? list;
}

/** Copied only where something changes: every row of a load passes through here. */
function rewriteObject(object: Json, map: Mapping): Json {
  const pointed = rewriteAttachment(rewriteLiteral(object, map), map);
  let copy: Record<string, unknown> | undefined;
  for (const name in pointed) {
    const value = pointed[name];
    if (typeof value !== 'object' || value === null) continue;
    const rewritten = rewriteValue(value, map);
    if (rewritten === value) continue;
    // a copy has the member already, whatever its name: nothing but its value changes
    copy ??= { ...pointed };
    copy[name] = rewritten;
  }
  return copy ?? pointed;
}

function rewriteLiteral(object: Json, map: Mapping): Json {
  const literal = object['reference'];
  if (typeof literal !== 'string' || literal.startsWith('#')) return object;
  const local = localReference(literal);
  const mapped = local === undefined ? undefined : map(local);
  const told = leadsToRow(literal, local) ? withoutDisplay(object) : object;
  if (mapped !== undefined) return mapped === literal ? told : { ...told, reference: mapped };
  const { reference, _reference, ...rest } = told;
  return { ...rest, identifier: object['identifier'] ?? unresolved(literal, local) };
}

/** Whether the target is a row of somebody's record, which may be hidden where the row that refers to it is not. */
function leadsToRow(literal: string, local: LocalReference | undefined): boolean {
  const type =
    local?.type ??
    ROW_TYPE.exec(literal)
      ?.slice(1)
      .find((each) => each !== undefined);
  return type !== undefined && isServed(type) && served(type).keeping === 'clinical';
}

function withoutDisplay(object: Json): Json {
  if (!Object.hasOwn(object, 'display') && !Object.hasOwn(object, '_display')) return object;
  const { display, _display, ...rest } = object;
  return rest;
}

function unresolved(literal: string, local: LocalReference | undefined): Json {
  return {
    system: UNRESOLVED_SYSTEM,
    value: local === undefined ? remainder(literal) : `${local.type}/${local.id}`,
  };
}

/** What may be kept of a literal that is not ours: `Type/id` or a UUID, never a server's address or a query. */
function remainder(literal: string): string {
  if (literal.length > MAX_LITERAL) return 'external';
  if (/^urn:(?:uuid|oid):[0-9A-Fa-f.-]{1,128}$/.test(literal)) return literal;
  const [, type, id] = LOCAL_TAIL.exec(literal) ?? [];
  return type === undefined || id === undefined ? 'external' : `${type}/${id}`;
}

function rewriteAttachment(object: Json, map: Mapping): Json {
  const url = object['url'];
  if (typeof url !== 'string') return object;
  const local = localReference(url);
  if (local?.type !== 'Binary') return object;
  const mapped = map(local);
  if (mapped === url) return object;
  const { url: replaced, ...rest } = object;
  return mapped === undefined ? rest : { ...rest, url: mapped };
}

/**
 * The person that a resource is about, as its own reference says (the `person` of its type in SERVED).
 * Of an Appointment it is the participant that is a Patient; of a Provenance the first target, of whatever type.
 * @returns undefined where the type has no person, or none or more than one is named: the row is nobody's
 */
export function personReference(resource: object): LocalReference | undefined {
  const members = resource as Json;
  const type = members['resourceType'];
  if (typeof type !== 'string' || !isServed(type)) return undefined;
  const person = served(type).person;
  if (person === undefined) return undefined;
  if (person === 'target') return referenceOf(listOf(members['target'])[0]);
  if (person === 'participant.actor') {
    return onePatient(listOf(members['participant']).map((each) => memberOf(each, 'actor')));
  }
  return onePatient([members[person]]);
}

function onePatient(references: readonly unknown[]): LocalReference | undefined {
  let found: LocalReference | undefined;
  for (const reference of references) {
    const local = referenceOf(reference);
    if (local?.type !== 'Patient') continue;
    if (found !== undefined && found.id !== local.id) return undefined;
    found = local;
  }
  return found;
}

function referenceOf(value: unknown): LocalReference | undefined {
  const literal = memberOf(value, 'reference');
  return typeof literal === 'string' ? localReference(literal) : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Json)[name] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Every literal reference of a resource, contained resources and extensions included, in document order. */
export function* referencesIn(resource: object): Generator<FoundReference> {
  const type = (resource as Json)['resourceType'];
  yield* walk(resource as Json, typeof type === 'string' ? type : '');
}

function* walk(object: Json, element: string): Generator<FoundReference> {
  const literal = object['reference'];
  if (typeof literal === 'string') {
    const local = localReference(literal);
    yield { element, literal, ...(local !== undefined && { local }) };
  }
  for (const [name, value] of Object.entries(object)) {
    for (const inner of Array.isArray(value) ? value : [value]) {
      if (typeof inner === 'object' && inner !== null) yield* walk(inner as Json, `${element}.${name}`);
    }
  }
}
