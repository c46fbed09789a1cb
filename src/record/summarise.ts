import { type Answer, type Composition, notFound } from './composition.ts';
import { summaryDocument } from './summary/document.ts';
import { withBodies } from './texts.ts';

/** `Patient/id/$summary`: a document of what may be seen; the account names the rows that are in it and no others. */
export async function summaryAnswer({ ports, facts, grant, visible, issues }: Composition): Promise<Answer> {
  const rows = await withBodies(ports, visible);
  const patient = rows.find(({ type }) => type === 'Patient');
  if (patient === undefined) return { problem: notFound(), released: [] };
  const { baseUrl, randomUUID } = ports;
  const shown = grant.permittedTypes;
  const summary = summaryDocument({
    baseUrl,
    patient,
    rows,
    shown,
    sources: issues,
    now: facts.now,
    randomUUID,
  });
  const included = new Set(summary.included.map(({ type, id }) => `${type}/${id}`));
  const released = rows.filter(({ type, id }) => included.has(`${type}/${id}`)).flatMap((row) => row.madeOf);
  return { body: summary.body, released, waited: visible.some((row) => row.body === undefined) };
}
