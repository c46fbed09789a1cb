import type { Patient, Provenance, Resource } from '@medplum/fhirtypes';
import type { Grant } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import { markDecimals, writeDecimals } from '../fhir/decimals.ts';
import { withoutElements } from '../fhir/elements.ts';
import { isServed, served } from '../fhir/served.ts';
import { declareUkCore } from '../fhir/uk-core.ts';
import { isOfTargets, REFERRERS } from './gather.ts';
import { mergedAwayId, replacedBy } from './merged.ts';
import { inOrder } from './order.ts';
import { aggregatePatient, type Contribution } from './patient.ts';
import type { Row } from './ports.ts';

/** What the caller may see, in order: before anything is counted, sorted, paged or included. */
export interface Visible {
  /** one row per resource that may leave, the aggregated Patient first where it was asked for */
  readonly rows: readonly VisibleRow[];
  /** of a record as it was: something that may be seen was erased since */
  readonly erased: boolean;
}

export interface VisibleRow extends Row {
  /** stored rows this one was made of: what the audit manifest names */
  readonly madeOf: readonly Row[];
  /** elements to be left out of a body that is fetched later */
  readonly hidden: readonly string[];
}

/** Leaves out every row and element that the grant withholds, and makes the one Patient of what remains. */
export function redact(grant: Grant, facts: Facts, rows: readonly Row[]): Visible {
  const all = rows.filter((row) => grant.permits(row)).map((row) => withoutHidden(grant, row));
  // rows as they were come with their texts
  const permitted = facts.at === undefined ? all : all.filter(({ body }) => body !== undefined);
  const contributions = permitted.filter((row) => row.type === 'Patient');
  // referrers are looked into as they may be seen: a reference in a hidden element shows nothing
  const shown = permitted.some(isOfTargets) ? namesOf(permitted) : NO_NAMES;
  const visible = permitted.filter(
    (row) => row.type !== 'Patient' && hasReferrer(row, permitted) && hasTarget(row, shown),
  );
  const patient = aggregated(grant, facts, contributions);
  if (patient !== undefined) visible.push(patient);
  return { rows: inOrder(visible), erased: permitted.length < all.length };
}

/**
 * A body without the elements that are hidden; decimals keep their digits. It declares UK Core as if they had never been
 * there: a claim that no longer holds would tell of what is left out.
 */
export function leaveOut(body: string, hidden: readonly string[]): string {
  if (hidden.length === 0) return body;
  return changeText(body, (resource) => declareUkCore(withoutElements(resource, hidden)));
}

/** A text with its resource changed; decimals keep their digits. */
export function changeText(body: string, change: (resource: Resource) => object): string {
  const resource = JSON.parse(markDecimals(body) ?? body) as Resource;
  return writeDecimals(JSON.stringify(change(resource)));
}

/** A Medication or Binary is nobody's by itself: it is seen where a visible row refers to it. */
function hasReferrer(row: Row, permitted: readonly Row[]): boolean {
  const referrers = REFERRERS[row.type];
  if (referrers === undefined) return true;
  const reference = `"${row.type}/${row.id}"`;
  return permitted.some(
    (other) => referrers.includes(other.type) && other.body?.includes(reference) === true,
  );
}

/** What says who wrote a row, where and when, is seen with a row that it is about: of a hidden one it would tell. */
function hasTarget(row: Row, shown: ReadonlySet<string>): boolean {
  if (!isOfTargets(row)) return true;
  if (row.body === undefined) return false;
  const { target = [] } = JSON.parse(row.body) as Provenance;
  return target.some(({ reference = '' }) => shown.has(reference) || leadsToDirectory(reference));
}

const NO_NAMES: ReadonlySet<string> = new Set();

function namesOf(rows: readonly Row[]): ReadonlySet<string> {
  return new Set(
    rows.map(({ type, id, subject, personId }) =>
      type === 'Patient' ? `Patient/${subject ?? personId}` : `${type}/${id}`,
    ),
  );
}

function leadsToDirectory(reference: string): boolean {
  const [type = ''] = reference.split('/');
  return isServed(type) && served(type).keeping === 'directory';
}

/** A row as it may be seen: one that is seen without some elements is found without them, too. */
export function withoutHidden(grant: Grant, row: Row): VisibleRow {
  const hidden = grant.hiddenElements(row);
  const madeOf = [row];
  if (hidden.length === 0) return { ...row, madeOf, hidden };
  // its stored search line tells what is hidden: the row is found by what is left of its text (C-16)
  const { line, body, ...rest } = row;
  return { ...rest, ...(body === undefined ? {} : { body: leaveOut(body, hidden) }), madeOf, hidden };
}

function aggregated(grant: Grant, facts: Facts, rows: readonly VisibleRow[]): VisibleRow | undefined {
  const [first] = rows;
  const personId = grant.personIds[0];
  if (first === undefined || personId === undefined) return undefined;
  const contributions = rows.flatMap((row): Contribution[] => {
    const source = facts.policy.sources.get(row.source);
    const state = facts.sources.find((s) => s.source === row.source);
    const { body } = row;
    if (source === undefined || state === undefined || body === undefined) return [];
    return [{ source, row, patient: JSON.parse(body) as Patient, asOf: state.businessDate }];
  });
  const patient = aggregatePatient(personId, contributions);
  if (patient === undefined) return undefined;
  const { line, ...rest } = first;
  const away = mergedAwayId(grant);
  if (away !== undefined) {
    const body = JSON.stringify(replacedBy(away, personId));
    return { ...rest, id: away, personId, body, hidden: [], madeOf: [] };
  }
  const body = JSON.stringify(patient);
  return { ...rest, id: personId, personId, body, madeOf: rows.flatMap((row) => row.madeOf) };
}
