import { setImmediate as othersFirst } from 'node:timers/promises';
import { type Answer, type Composition, notFound, type Shown } from './composition.ts';
import type { VisibleRow } from './redact.ts';
import { summaryDocument } from './summary/document.ts';
import { type ReadRow, readRow } from './summary/rows.ts';
import { withBodies } from './texts.ts';

/** `Patient/id/$summary`: a document of what may be seen; the account names the rows that are in it and no others. */
export async function summaryAnswer({ ports, facts, grant, visible, issues }: Composition): Promise<Answer> {
  const rows = await withBodies(ports, visible);
  const patient = rows.find(({ type }) => type === 'Patient');
  if (patient === undefined) return { problem: notFound(), released: [] };
  const { baseUrl, randomUUID } = ports;
  const shown = grant.permittedTypes;
  const read = await readAhead(rows);
  const summary = summaryDocument({
    baseUrl,
    patient,
    rows: read,
    shown,
    sources: issues,
    now: facts.now,
    randomUUID,
  });
  const byName = new Map(rows.map((row) => [`${row.type}/${row.id}`, row]));
  const released = summary.included.flatMap(({ type, id }): Shown[] => {
    const row = byName.get(`${type}/${id}`);
    return row === undefined ? [] : [{ madeOf: row.madeOf, text: row.body }];
  });
  const waited = rows.length > AT_ONCE || visible.some((row) => row.body === undefined);
  return { body: summary.body, released, waited };
}

/** Rows parsed at a time: the largest part of the work, and others wait for as long as it takes. */
const AT_ONCE = 100;

async function readAhead(
  rows: readonly (VisibleRow & { readonly body: string })[],
): Promise<readonly ReadRow[]> {
  const read: ReadRow[] = [];
  for (let from = 0; from < rows.length; from += AT_ONCE) {
    if (from > 0) await othersFirst();
    for (const { type, id, body } of rows.slice(from, from + AT_ONCE)) {
      const row = readRow({ type, id, body });
      if (row !== undefined) read.push(row);
    }
  }
  return read;
}
