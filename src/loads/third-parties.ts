import { NHS_NUMBER_SYSTEM } from '../identity/nhs-number.ts';

type Json = Readonly<Record<string, unknown>>;

/** What stands in the place of a reference to somebody else: that there was one, and nothing of whom. */
const SOMEBODY = { display: 'A person who is not named here' } as const;

const PATIENT_LITERAL = /(?:^|\/)Patient\/([A-Za-z0-9\-.]{1,64})(?:\/|$)/;
const PEOPLE = new Set(['Patient', 'Person']);

/**
 * The record of one person names no other as a patient: references to another Patient lose their literal, identifier and
 * display, and contained Patients are taken out, whoever they are (attack catalogue S-23, S-27). Somebody named by an
 * NHS number alone counts as another, since a row's own person is named by its literal.
 *
 * @param ownId the source's id of the row's person; absent where the row is about nobody, or its person is known by
 *   another row: then no Patient is named
 * @returns the same object where nothing changed
 */
export function withoutThirdParties<T extends object>(resource: T, ownId: string | undefined): T {
  const { contained, ...rest } = resource as Json & { readonly contained?: unknown };
  const people = Array.isArray(contained) ? contained.filter(isPerson) : [];
  const removed = new Set(people.map((person) => `#${String(person['id'])}`));
  if (people.length === 0) return walked(resource, ownId, removed) as T;
  const others = (contained as readonly unknown[]).filter((one) => !isPerson(one));
  return walked({ ...rest, ...(others.length > 0 && { contained: others }) }, ownId, removed) as T;
}

function isPerson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && PEOPLE.has(String((value as Json)['resourceType']));
}

function walked(value: unknown, ownId: string | undefined, removed: ReadonlySet<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => walked(item, ownId, removed));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  const object = value as Json;
  if (isSomebodyElse(object, ownId, removed)) return SOMEBODY;
  let changed = false;
  const members = Object.entries(object).map(([name, member]) => {
    const inner = walked(member, ownId, removed);
    changed ||= inner !== member;
    return [name, inner] as const;
  });
  return changed ? Object.fromEntries(members) : object;
}

function isSomebodyElse(object: Json, ownId: string | undefined, removed: ReadonlySet<string>): boolean {
  const { reference, identifier } = object as { readonly reference?: unknown; readonly identifier?: unknown };
  if (typeof reference === 'string') {
    if (removed.has(reference)) return true;
    const [, id] = PATIENT_LITERAL.exec(reference) ?? [];
    if (id !== undefined) return reference !== `Patient/${ownId}`;
  }
  // of the types that are kept only a Reference has one identifier; resources have a list
  return (
    typeof identifier === 'object' &&
    identifier !== null &&
    (identifier as Json)['system'] === NHS_NUMBER_SYSTEM
  );
}
