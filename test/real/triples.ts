import { isServed, served } from '../../src/fhir/served.ts';
import { type Form, formsOf, type Now } from './index-queries.ts';
import type { IndexValue, IndexValues } from './index-values.ts';
import type { Pair } from './matching.ts';
import { listOf, NHS_NUMBER } from './people.ts';
import type { Json } from './shared-data.ts';

/** Every (resource, parameter, value) with the searches that must find the resource, or why there is none. */

export interface Triple {
  /** the published file, the parameter and what is asked */
  readonly name: string;
  readonly kind: string;
  /** what must be among the matches: `Type/id` */
  readonly found: string;
  /** addresses below the FHIR base; each must find it */
  readonly asked: readonly string[];
  /** addresses that must not find it: what it has is not missing */
  readonly unasked?: readonly string[];
  /** why nothing is asked */
  readonly exception?: string;
}

/** A row that was sent, as it came back, and whose it is. */
export interface Known extends Pair {
  /** `Patient/id`'s id; absent: nobody's */
  readonly patientId?: string;
  /** what refers to it, where it is found through that alone */
  readonly referrer?: Json;
}

export function triplesOf(known: Known, values: IndexValues): readonly Triple[] {
  const { row, now } = known;
  const sent = row.resource ?? {};
  const leads = leadsNow(sent, now);
  return [
    ...values.of(sent).map((value) => tripleOf(known, value, leads)),
    // the envelope is the service's own
    ...values.ofEnvelope(now).map((value) => tripleOf(known, value, leads)),
  ];
}

function tripleOf(known: Known, index: IndexValue, leads: Now): Triple {
  const { row, now, referrer } = known;
  const { parameter, kind } = index;
  const shown = referrer ?? now;
  const triple = {
    name: `${row.from} ${row.type}.${parameter}`,
    kind,
    found: `${String(shown['resourceType'])}/${String(shown['id'])}`,
  };
  const exception = exceptionOf(known, index, leads);
  if (exception !== undefined) return { ...triple, asked: [], exception };
  const forms = formsOf(index, leads);
  if (forms.length === 0) return { ...triple, asked: [], exception: emptiness(index) };
  const missing = addressOf(known, parameter, [[':missing', 'true']]);
  return {
    ...triple,
    asked: forms
      .filter((form) => isAskable(row.type, parameter, form))
      .map((form) => addressOf(known, parameter, form)),
    ...(namesPerson(known, parameter) || NAMING.includes(parameter) ? {} : { unasked: [missing] }),
  };
}

/** A person's number is asked for with its system. */
function isAskable(type: string, parameter: string, form: Form): boolean {
  return (
    type !== 'Patient' || parameter !== 'identifier' || form[0]?.[1].startsWith(`${NHS_NUMBER}|9`) === true
  );
}

/** What a value is of which nothing can be asked. */
function emptiness({ kind, value }: IndexValue): string {
  if (kind === 'composite') return 'a composite with a part that is text alone';
  return value.type === 'Timing' ? 'a Timing that names no day' : 'a value that is empty';
}

/** The search of the person's resources of the type, the directory, or of what refers to the resource. */
function addressOf(known: Known, parameter: string, form: Form): string {
  const { row, now, referrer, patientId } = known;
  const chain = referrer === undefined ? '' : `medication:${row.type}.`;
  const conditions = form.map(([suffix, text]) => [`${chain}${parameter}${suffix}`, text] as const);
  const person = row.type === 'Patient' ? '_id' : 'patient';
  const isNamed = namesPerson(known, parameter) || (row.type === 'Patient' && NAMING.includes(parameter));
  const whose = patientId === undefined || isNamed ? [] : [[person, patientId] as const];
  const query = [...whose, ...conditions, ['_elements', 'id'] as const, ['_count', '1000'] as const];
  const type = String((referrer ?? now)['resourceType']);
  return `${type}?${query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`;
}

const NAMING = ['_id', 'identifier'];

/** Whether the parameter is what says whose record is searched. */
function namesPerson({ row }: Known, parameter: string): boolean {
  const isClinical = isServed(row.type) && served(row.type).keeping === 'clinical';
  return isClinical && (parameter === 'patient' || parameter === 'subject');
}

/** Why an index value is not asked for: what the service says that it does otherwise, and what is no value to ask for. */
function exceptionOf({ row }: Known, index: IndexValue, leads: Now): string | undefined {
  const { parameter, kind, value } = index;
  const own = value.value;
  if (parameter === 'phonetic' || parameter === 'near') return `${parameter} is not served`;
  if (row.type === 'Patient' && parameter === 'link') return 'people are linked by their NHS numbers';
  if (row.type === 'Patient' && parameter === 'identifier' && own.system !== NHS_NUMBER) {
    return 'a person is found by NHS number, by no other identifier';
  }
  if (kind === 'date' && value.type === 'string') return 'a text in the place of a date';
  return kind === 'reference' && typeof own === 'object'
    ? leadlessness(row, parameter, own, leads(own))
    : undefined;
}

/** Why a reference cannot be asked for by where it leads. */
function leadlessness(
  row: Known['row'],
  parameter: string,
  sent: Json,
  now: Json | undefined,
): string | undefined {
  const literal = sent['reference'];
  if (typeof literal !== 'string')
    return sent['identifier'] === undefined ? 'a reference that is a name alone' : undefined;
  if (literal.startsWith('#')) return 'a reference to what is contained';
  if (literal.startsWith('Patient/') && now?.['reference'] === undefined)
    return 'another person is not named';
  const isOdd = parameter === 'intended-dispenser' && !literal.startsWith('Organization/');
  return isOdd && row.type === 'MedicationRequest'
    ? 'a reference to a type that its element does not allow'
    : undefined;
}

/** For every reference as it was sent the same one as it came back, found side by side. */
function leadsNow(sent: Json, now: Json): Now {
  const found = new Map<unknown, Json>();
  const visit = (before: unknown, after: unknown): void => {
    if (Array.isArray(before)) {
      const others = listOf(after);
      for (const [index, each] of before.entries()) visit(each, others[index]);
    } else if (typeof before === 'object' && before !== null && typeof after === 'object' && after !== null) {
      found.set(before, after as Json);
      for (const [name, each] of Object.entries(before)) visit(each, (after as Json)[name]);
    }
  };
  visit(sent, now);
  return (reference) => found.get(reference);
}
