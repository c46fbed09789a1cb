import type { OperationOutcomeIssue } from '@medplum/fhirtypes';
import type { ServedTypeName } from '../../fhir/served.ts';
import { INCOMPLETE } from '../bundle.ts';
import { composition } from './composition.ts';
import { all, at, type Json, text } from './reading.ts';
import { RecordRows, type SummaryRow } from './rows.ts';
import { SECTIONS, sectionOf } from './sections.ts';
import { sourceStates } from './sources.ts';
import { supporting } from './supporting.ts';

export interface SummaryParts {
  /** configured FHIR base, no slash at the end */
  readonly baseUrl: string;
  /** the aggregated Patient */
  readonly patient: SummaryRow;
  /** everything of the person that the caller may see, of any type, in the record's order */
  readonly rows: readonly SummaryRow[];
  /** types of which the caller may see anything at all: of others nothing is said */
  readonly shown: readonly ServedTypeName[];
  /** how things stand with every source, as `completeness` states it for `$everything` */
  readonly sources: readonly OperationOutcomeIssue[];
  /** milliseconds since the epoch */
  readonly now: number;
  readonly randomUUID: () => string;
}

export interface Summary {
  /** a document Bundle */
  readonly body: string;
  /** the rows that are in it, the Patient first: what the audit manifest names */
  readonly included: readonly { readonly type: ServedTypeName; readonly id: string }[];
}

const PROFILE = 'http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips';

/**
 * An International Patient Summary of a person, made of what the caller may see and of nothing else (IPS 2.0.0,
 * R4 documents.html). Texts go in as they are stored; they are parsed only to be read from.
 */
export function summaryDocument(parts: SummaryParts): Summary {
  const { baseUrl, now, patient: row } = parts;
  const patient = JSON.parse(row.body) as Json;
  const record = new RecordRows(parts.rows);
  const states = sourceStates(parts.sources);
  const sections = SECTIONS.map((rule) => sectionOf(rule, record, parts.shown));
  const listed = sections.flatMap(({ rows }) => rows);
  const { rows: others, cut } = supporting(patient, listed, record);
  const conforms = isIpsPatient(patient);
  const documentId = parts.randomUUID();
  const id = parts.randomUUID();
  const first = composition({
    id,
    now,
    patientId: row.id,
    patient,
    sections,
    record,
    states,
    cut,
    conforms,
  });
  const included = [row, ...listed, ...others];
  const entries = [
    entry(baseUrl, 'Composition', id, JSON.stringify(first)),
    ...included.map(({ type, id, body }) => entry(baseUrl, type, id, body)),
  ];
  const body =
    `{"resourceType":"Bundle",${metaOf(conforms, states.missing > 0)}"language":"en-GB",` +
    `"identifier":{"system":"urn:ietf:rfc:3986","value":"urn:uuid:${documentId}"},"type":"document",` +
    `"timestamp":"${new Date(now).toISOString()}","entry":[${entries.join(',')}]}`;
  return { body, included: included.map(({ type, id }) => ({ type, id })) };
}

/**
 * The Composition has an address below the base too, though it is not kept: relative references are resolved against
 * the address of the resource they stand in (R4 bundle.html#references).
 */
function entry(baseUrl: string, type: string, id: string, body: string): string {
  return `{"fullUrl":${JSON.stringify(`${baseUrl}/${type}/${id}`)},"resource":${body}}`;
}

/** Whether the Patient has what IPS requires of it: a birth date, and in every name something to call the person by. */
function isIpsPatient(patient: Json): boolean {
  const names = all(patient, 'name');
  const isName = (name: unknown): boolean =>
    ['text', 'family', 'given'].some((element) => text(name, element) !== '');
  return typeof at(patient, 'birthDate') === 'string' && names.length > 0 && names.every(isName);
}

function metaOf(conforms: boolean, incomplete: boolean): string {
  const members = [
    ...(conforms ? [`"profile":["${PROFILE}"]`] : []),
    ...(incomplete ? [`"tag":[${INCOMPLETE}]`] : []),
  ];
  return members.length === 0 ? '' : `"meta":{${members.join(',')}},`;
}
