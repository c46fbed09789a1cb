import { NHS_NUMBER_SYSTEM } from '../identity/nhs-number.ts';

type Json = Readonly<Record<string, unknown>>;

/** What stands in the place of a reference to somebody else: that there was one, and nothing of whom. */
const SOMEBODY = { display: 'A person who is not named here' } as const;

const PEOPLE = new Set(['Patient', 'Person']);

/** `Patient/7`, `https://x.example/Patient/7/_history/1`, and the conditional `Patient?identifier=...` */
const PERSON_LITERAL = /(?:^|\/)(?:Patient|Person)(?:[/?#|]|$)/i;
const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;
/** An absolute literal that says of what type its target is. */
const TYPED_TAIL =
  /\/([A-Z][A-Za-z]{0,63})(?:\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?|\?.*)$/;

/** Other spellings of the NHS number's system: they name a person no less. */
const NHS_NUMBERS = /(?:\/nhs-number|(?:^|[:.])2\.16\.840\.1\.113883\.2\.1\.4\.1)\/?$/i;

/** What is to be left out altogether. */
const NOTHING = Symbol('nothing');

interface Whose {
  /** the literal of the row's own person */
  readonly own: string | undefined;
  /** literals of contained people that are taken out */
  readonly removed: ReadonlySet<string>;
}

/**
 * The record of one person names no other as a patient: references to another Patient lose their literal, identifier and
 * display, and contained Patients are taken out, whoever they are (attack catalogue S-23, S-27). A reference of which it
 * cannot be told that it leads to something else counts as one to another. NHS numbers go wherever they stand, but for
 * those of the row's own Patient: whose they are is not known here.
 *
 * @param ownId the source's id of the row's person; absent where the row is about nobody, or its person is known by
 *   another row: then no Patient is named
 * @returns the same object where nothing changed
 */
export function withoutThirdParties<T extends object>(resource: T, ownId: string | undefined): T {
  const { contained, ...rest } = resource as Json & { readonly contained?: unknown };
  const people = Array.isArray(contained) ? contained.filter(isPerson) : [];
  const whose: Whose = {
    own: ownId === undefined ? undefined : `Patient/${ownId}`,
    removed: new Set(people.map((person) => `#${String(person['id'])}`)),
  };
  const others =
    people.length === 0 ? contained : (contained as readonly unknown[]).filter((one) => !isPerson(one));
  const isEmpty = Array.isArray(others) && others.length === 0;
  const kept: Json =
    people.length === 0 ? (resource as Json) : { ...rest, ...(!isEmpty && { contained: others }) };
  // a Patient's own identifiers are the person's; what is inside them is looked at all the same
  const own = kept['resourceType'] === 'Patient' ? kept['identifier'] : undefined;
  return members(kept, whose, own) as T;
}

function isPerson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && PEOPLE.has(String((value as Json)['resourceType']));
}

function walked(value: unknown, whose: Whose): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return items(value, (item) => walked(item, whose));
  const object = value as Json;
  if (isNhsNumber(object)) return NOTHING;
  return isSomebodyElse(object, whose) ? SOMEBODY : emptied(object, members(object, whose));
}

function items(list: readonly unknown[], each: (item: unknown) => unknown): unknown {
  let all: unknown[] | undefined;
  for (let at = 0; at < list.length; at += 1) {
    const inner = each(list[at]);
    if (inner === list[at]) continue;
    all ??= [...list];
    all[at] = inner;
  }
  if (all === undefined) return list;
  const left = all.filter((item) => item !== NOTHING);
  return left.length === 0 ? NOTHING : left;
}

/** @param own a member whose items are not left out, whatever they are */
function members(object: Json, whose: Whose, own?: unknown): Json {
  let copy: Record<string, unknown> | undefined;
  for (const name in object) {
    const member = object[name];
    if (typeof member !== 'object' || member === null) continue;
    const inner =
      member === own && Array.isArray(own)
        ? items(own, (item) =>
            typeof item === 'object' && item !== null ? members(item as Json, whose) : item,
          )
        : walked(member, whose);
    if (inner === member) continue;
    copy ??= { ...object };
    if (inner === NOTHING) delete copy[name];
    else copy[name] = inner;
  }
  return copy ?? object;
}

/** What has lost its content is no FHIR: an object without members, an extension without its value. */
function emptied(before: Json, after: Json): unknown {
  if (after === before) return after;
  const lost = Object.keys(after).length < Object.keys(before).length;
  const isHollow = Object.keys(after).every((name) => name === 'id' || name === 'url');
  return lost && isHollow ? NOTHING : after;
}

function isNhsNumber(object: Json): boolean {
  const { system } = object;
  return typeof system === 'string' && (system === NHS_NUMBER_SYSTEM || NHS_NUMBERS.test(system));
}

function isSomebodyElse(object: Json, { own, removed }: Whose): boolean {
  const { resourceType, reference, identifier, type } = object;
  if (resourceType !== undefined) return false;
  // of a Reference; an absolute type is the address of the type's definition
  const typed = typeof type === 'string' ? type.slice(type.lastIndexOf('/') + 1) : undefined;
  if (typeof reference === 'string') {
    if (reference === own) return false;
    if (removed.has(reference) || PERSON_LITERAL.test(reference)) return true;
    if (ABSOLUTE.test(reference) && (TYPED_TAIL.exec(reference)?.[1] ?? typed) === undefined) return true;
  }
  if (typed !== undefined && PEOPLE.has(typed)) return true;
  // only a Reference has one identifier; resources have a list, or a `resourceType`
  return typeof identifier === 'object' && identifier !== null && isNhsNumber(identifier as Json);
}
