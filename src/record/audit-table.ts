import type { AuditEvent } from '@medplum/fhirtypes';
import { csvLine } from '../audit/spreadsheet.ts';
import type { VisibleEvent } from './audit-rows.ts';

/** How events are written for other tools: rows of a spreadsheet, or one resource a line. */
export type TableFormat = 'csv' | 'ndjson';

/** Events as a table, each as the caller may read it. */
export function auditTable(format: TableFormat, events: readonly VisibleEvent[]): string {
  if (format === 'ndjson') return events.map(({ text }) => `${text}\n`).join('');
  const rows = events.map(({ text }) => cellsOf(JSON.parse(text) as AuditEvent));
  return [COLUMNS.map(([name]) => name), ...rows].map(csvLine).join('');
}

function cellsOf(event: AuditEvent): readonly string[] {
  return COLUMNS.map(([, cell]) => cell(event) ?? '');
}

type Cell = (event: AuditEvent) => string | undefined;

/** The columns, in order: part of the interface, so that new ones go to the end. */
const COLUMNS: readonly (readonly [name: string, cell: Cell])[] = [
  ['recorded', ({ recorded }) => recorded],
  ['event', ({ id }) => id],
  ['outcome', ({ outcome }) => outcome],
  ['outcome_reason', ({ outcomeDesc }) => outcomeDesc],
  ['action', ({ action }) => action],
  ['subtype', ({ subtype }) => subtype?.map(({ code }) => code).join(' ')],
  ['user', (event) => agentOf(event, 'IRCP')?.who?.identifier?.value],
  ['user_name', (event) => agentOf(event, 'IRCP')?.name],
  ['role', (event) => agentOf(event, 'IRCP')?.role?.[0]?.text],
  ['organisation', (event) => agentOf(event, 'PROV')?.who?.identifier?.value],
  ['organisation_name', (event) => agentOf(event, 'PROV')?.who?.display],
  ['client', (event) => agentOf(event, '110150')?.who?.identifier?.value],
  ['address', ({ agent }) => agent.find(({ network }) => network?.type !== '5')?.network?.address],
  ['patient', (event) => entityOf(event, '1')?.what?.reference],
  ['resource', ({ entity }) => entity?.find(({ role }) => role?.code === '4')?.what?.reference],
  ['purpose', ({ purposeOfEvent }) => purposeOfEvent?.[0]?.coding?.[0]?.code ?? purposeOfEvent?.[0]?.text],
  ['reason', (event) => detailOf(event, 'reason')],
  ['relationship', (event) => detailOf(event, 'relationship')],
  ['case_number', (event) => detailOf(event, 'case-number')],
  ['request_id', (event) => entityOf(event, 'XrequestId')?.what?.identifier?.value],
  ['policy_version', (event) => detailOf(event, 'policy-version')],
];

function agentOf({ agent }: AuditEvent, code: string): AuditEvent['agent'][number] | undefined {
  return agent.find(({ type }) => type?.coding?.some((coding) => coding.code === code) === true);
}

function entityOf(
  { entity = [] }: AuditEvent,
  code: string,
): NonNullable<AuditEvent['entity']>[number] | undefined {
  return entity.find(({ type }) => type?.code === code);
}

function detailOf({ entity = [] }: AuditEvent, name: string): string | undefined {
  return entity.flatMap(({ detail = [] }) => detail).find(({ type }) => type === name)?.valueString;
}
