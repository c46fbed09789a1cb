import type { Json } from './shared-data.ts';

/**
 * What must be the same before and after. The service's own parts are left out on both sides: id, meta, where
 * references lead, narratives, and addresses of Binaries (docs/onboarding-a-source.md, DESIGN 10).
 */

/** The resource's clinical content as text: the same for the same content, whatever the order of its members. */
export function content(resource: Json): string {
  const { id, meta, text, contained, ...rest } = resource;
  const all: readonly unknown[] = Array.isArray(contained) ? contained : [];
  const people = all.filter((each) => isObject(each) && each['resourceType'] === 'Patient');
  const others = all.filter((each) => !people.includes(each)).map(withoutNarrative);
  const named = new Set(people.map((each) => `#${isObject(each) ? String(each['id']) : ''}`));
  const within = others.length > 0 ? { contained: others } : {};
  return canonical(withoutReferences(withoutPeople({ ...rest, ...within }, named)));
}

const NHS_NUMBER = 'https://fhir.nhs.uk/Id/nhs-number';

/**
 * Patients that a row names, its own or others, read alike, and so does what may lead to one: who is shown and who is
 * not is for `referencePairs`. NHS numbers are left out: they are kept in Patients, which are compared elsewhere.
 */
function withoutPeople(value: unknown, contained: ReadonlySet<string>): unknown {
  if (Array.isArray(value))
    return value.filter((each) => !isNhsNumber(each)).map((each) => withoutPeople(each, contained));
  if (!isObject(value)) return value;
  const { reference, display, identifier } = value;
  const named = typeof reference === 'string' && (mayBePatient(value) || contained.has(reference));
  const typed = value['resourceType'] === undefined && value['type'] === 'Patient';
  if (named || typed || isNhsNumber(identifier) || display === 'A person who is not named here')
    return 'a patient';
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => !isNhsNumber(each) && !(Array.isArray(each) && each.every(isNhsNumber)))
      .map(([name, each]) => [name, withoutPeople(each, contained)]),
  );
}

function mayBePatient({ reference, type }: Json): boolean {
  const literal = String(reference);
  return /(^|\/)Patient[/?]/.test(literal) || (literal.startsWith('urn:') && type === undefined);
}

function isNhsNumber(value: unknown): boolean {
  return isObject(value) && value['system'] === NHS_NUMBER;
}

/** JSON with members in order of their names. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(',')}}`;
}

const UNRESOLVED = 'urn:mcr:unresolved';

/**
 * Without the literals of references, without the identifiers that stand for them, and without their words, which are
 * kept of some alone.
 */
export function withoutReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutReferences);
  if (!isObject(value)) return value;
  const points =
    typeof value['reference'] === 'string' || (isObject(value['identifier']) && !('resourceType' in value));
  const members = Object.entries(value).filter(
    ([name, each]) => !isPointer(name, each) && !(points && (name === 'display' || name === '_display')),
  );
  return Object.fromEntries(members.map(([name, each]) => [name, withoutReferences(each)]));
}

function isPointer(name: string, value: unknown): boolean {
  if (name === 'reference') return typeof value === 'string' && !value.startsWith('#');
  if (name === '_reference') return true;
  if (name === 'identifier') return isObject(value) && value['system'] === UNRESOLVED;
  return name === 'url' && typeof value === 'string' && value.startsWith('Binary/');
}

function withoutNarrative(contained: unknown): unknown {
  if (!isObject(contained)) return contained;
  const { text, ...rest } = contained;
  return rest;
}

/** Where a reference led before, and where the same one leads now. */
export interface ReferencePair {
  readonly sent: string;
  /** absent: it leads nowhere, an identifier says what it was */
  readonly now?: string;
}

/** The references of a resource beside those of the same resource as it came back, in order. */
export function referencePairs(sent: unknown, now: unknown): readonly ReferencePair[] {
  if (Array.isArray(sent)) {
    const others: readonly unknown[] = Array.isArray(now) ? now : [];
    return sent.flatMap((each, index) => referencePairs(each, others[index]));
  }
  if (!isObject(sent) || !isObject(now)) return [];
  const { reference } = sent;
  const own = typeof reference === 'string' ? [pair(reference, now['reference'])] : [];
  return [...own, ...Object.keys(sent).flatMap((name) => referencePairs(sent[name], now[name]))];
}

function pair(sent: string, now: unknown): ReferencePair {
  return typeof now === 'string' ? { sent, now } : { sent };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
