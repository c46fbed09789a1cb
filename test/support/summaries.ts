import type {
  Bundle,
  Composition,
  CompositionSection,
  OperationOutcomeIssue,
  Patient,
  Resource,
} from '@medplum/fhirtypes';
import { isServed, SERVED_NAMES } from '../../src/fhir/served.ts';
import { type SummaryParts, summaryDocument } from '../../src/record/summary/document.ts';
import type { SummaryRow } from '../../src/record/summary/rows.ts';

/** Summaries made for tests, and looked into. */

export const BASE = 'https://mcr.example/fhir';
export const NOW = Date.parse('2026-11-22T14:05:00Z');

export const PATIENT: Patient = {
  resourceType: 'Patient',
  id: 'person-1',
  identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' }],
  name: [{ use: 'official', family: 'Example', given: ['Robin'] }],
  birthDate: '1980-02-03',
};

export function rowOf(resource: object): SummaryRow {
  const { resourceType, id } = resource as { readonly resourceType: string; readonly id: string };
  if (!isServed(resourceType)) throw new Error(`${resourceType} is not served.`);
  return { type: resourceType, id, body: JSON.stringify(resource) };
}

/** A source, as `completeness` states it. */
export function source(state: 'current' | 'stale' | 'down' | 'not-shared', name = `The ${state} source`) {
  const wrong = state === 'stale' || state === 'down';
  const reason = state === 'not-shared' ? state : `source-${state}`;
  const issue: OperationOutcomeIssue = {
    severity: wrong ? 'warning' : 'information',
    code: wrong ? 'incomplete' : 'informational',
    details: {
      coding: [{ system: 'https://mycarerecord.example/fhir/CodeSystem/outcome', code: reason }],
      text: `${name}: ${state}.`,
    },
    diagnostics: state,
  };
  return issue;
}

/** Numbers in place of chance: the same document every time. */
export function counted(): () => string {
  let n = 0;
  return () => `00000000-0000-4000-8000-${String(++n).padStart(12, '0')}`;
}

export function partsOf(resources: readonly object[], more: Partial<SummaryParts> = {}): SummaryParts {
  return {
    baseUrl: BASE,
    patient: rowOf(PATIENT),
    rows: resources.map(rowOf),
    shown: SERVED_NAMES,
    sources: [source('current')],
    now: NOW,
    randomUUID: counted(),
    ...more,
  };
}

/** A document, taken apart. */
export interface Document {
  readonly text: string;
  readonly bundle: Bundle;
  readonly composition: Composition;
  /** `Type/id` of all entries behind the Composition, in order */
  readonly entries: readonly string[];
  readonly included: readonly string[];
  section(title: string): CompositionSection;
  /** `Type/id` of a section's entries */
  listed(title: string): readonly string[];
  div(title: string): string;
}

export function documentOf(parts: SummaryParts): Document {
  const { body, included } = summaryDocument(parts);
  const bundle: Bundle = JSON.parse(body);
  const [first, ...rest] = (bundle.entry ?? []).map((entry) => entry.resource);
  if (first?.resourceType !== 'Composition') throw new Error('The first entry is no Composition.');
  const section = (title: string): CompositionSection => {
    const found = first.section?.find((each) => each.title === title);
    if (found === undefined) throw new Error(`There is no section ${title}.`);
    return found;
  };
  return {
    text: body,
    bundle,
    composition: first,
    entries: rest.map(nameOf),
    included: included.map(({ type, id }) => `${type}/${id}`),
    section,
    listed: (title) => (section(title).entry ?? []).map((entry) => entry.reference ?? ''),
    div: (title) => section(title).text?.div ?? '',
  };
}

function nameOf(resource: Resource | undefined): string {
  return `${resource?.resourceType}/${resource?.id}`;
}
