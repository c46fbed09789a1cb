/** The codes of a resource that rules and searches look at, as `system|code` tokens (`|code` where no system is given). */

type Json = Readonly<Record<string, unknown>>;

/** Categories that R4 gives as bare codes: their system is that of the required value set. */
const CATEGORY_SYSTEMS: ReadonlyMap<string, string> = new Map([
  ['AllergyIntolerance', 'http://hl7.org/fhir/allergy-intolerance-category'],
]);

/** Where a type says what it is about, if not in `code`. */
const CODE_ELEMENTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['Appointment', ['appointmentType', 'serviceType']],
  ['AuditEvent', ['type', 'subtype']],
  ['DocumentReference', ['type']],
  ['Encounter', ['type']],
  ['EpisodeOfCare', ['type']],
  ['Immunization', ['vaccineCode']],
  ['Location', ['type']],
  ['MedicationRequest', ['medicationCodeableConcept']],
  ['MedicationStatement', ['medicationCodeableConcept']],
  ['Organization', ['type']],
  ['Provenance', ['activity']],
  ['RelatedPerson', ['relationship']],
]);

/** Tokens of `category`, whether CodeableConcepts or codes, each once. */
export function categoryTokens(resource: object): string[] {
  const { resourceType, category } = resource as Json;
  const system = CATEGORY_SYSTEMS.get(String(resourceType)) ?? '';
  const found = new Set<string>();
  addTokens(found, category, system);
  return [...found];
}

/** Tokens of `code`, or of what stands for it in the type (`vaccineCode`, `medication`, `type`), each once. */
export function codeTokens(resource: object): string[] {
  const members = resource as Json;
  const elements = CODE_ELEMENTS.get(String(members['resourceType'])) ?? ['code'];
  const found = new Set<string>();
  for (const element of elements) addTokens(found, members[element], '');
  return [...found];
}

/**
 * Tokens of `meta.security`, each once. A label without a code is `system|`: it is a label all the same. The resource
 * need not be valid: what restricts is found in a faulty one too.
 */
export function securityLabels(resource: object): string[] {
  const { meta } = resource as Json;
  if (meta === undefined) return [];
  return unique(listOf(meta).flatMap((each) => listOf(memberOf(each, 'security')).map(labelToken)));
}

/** As `securityLabels`, with those of all contained resources: what is inside is shown with what is around it. */
export function labelsThroughout(resource: object): string[] {
  const { contained } = resource as Json;
  if (contained === undefined) return securityLabels(resource);
  const inner = listOf(contained).filter((each): each is object => typeof each === 'object' && each !== null);
  return unique([...securityLabels(resource), ...inner.flatMap(labelsThroughout)]);
}

function labelToken(label: unknown): string {
  if (typeof label === 'string') return `|${label}`;
  const [system, code] = [memberOf(label, 'system'), memberOf(label, 'code')];
  return `${typeof system === 'string' ? system : ''}|${typeof code === 'string' ? code : ''}`;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Json)[name] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.flat(3) : [value];
}

/** @param system of a bare code */
function addTokens(found: Set<string>, value: unknown, system: string): void {
  if (Array.isArray(value)) {
    for (const each of value) addTokens(found, each, system);
  } else if (typeof value === 'string') {
    found.add(`${system}|${value}`);
  } else if (typeof value === 'object' && value !== null) {
    const concept = value as Json;
    if (typeof concept['code'] === 'string') {
      found.add(`${typeof concept['system'] === 'string' ? concept['system'] : ''}|${concept['code']}`);
    }
    if (Array.isArray(concept['coding'])) addTokens(found, concept['coding'], system);
  }
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
