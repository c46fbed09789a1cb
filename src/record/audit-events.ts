import type { AuditEvent } from '@medplum/fhirtypes';
import type { Ask } from '../access/ask.ts';
import { decide, type Grant } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import { personFor } from '../access/person-asked.ts';
import type { StoredEvent } from '../audit/reader.ts';
import { Problem } from '../fhir/problem.ts';
import { searchLine } from '../fhir/search/extract.ts';
import { SearchWorld } from '../fhir/search/world.ts';
import { accounted, accountFor, accountRefusal } from './account.ts';
import { composeRefused } from './answer.ts';
import { auditEventFor } from './audit-view.ts';
import { searchset } from './bundle.ts';
import { type Answer, notFound, partOf } from './composition.ts';
import type { Accounted } from './disclose.ts';
import type { DisclosePorts, Row } from './ports.ts';
import type { DisclosureRequest } from './request.ts';
import { countPerson } from './sweeps.ts';

/** Events read at a time, and at most for one page: a page that hides many others ends early, with a next link. */
const CHUNK = 250;
const MOST = 20_000;

/**
 * AuditEvents by time, and by person where one is named: for officers of the desks, within their organisation, and for
 * people about themselves. Reading the log is accounted for like any other look (BALP).
 */
export async function discloseAuditEvents(
  ports: DisclosePorts,
  request: DisclosureRequest,
): Promise<Accounted> {
  const ask = { ...request.ask, person: personFor(request.caller, request.ask) };
  const facts = await ports.store.facts(ask.person, request.caller);
  const decision = decide(request.caller, ask, facts);
  if (decision.outcome === 'refused') {
    const asked = decision.refusal.aboutPerson ? await countPerson(ports, request) : undefined;
    const receipt = await accountRefusal(ports, request, facts, decision, asked);
    const refused = composeRefused(ports, request, facts, decision.refusal);
    if (refused.problem !== undefined) throw accounted(refused.problem);
    return { body: refused.body, receipt };
  }
  const answer =
    ask.id === undefined
      ? await page(ports, request, facts, decision.grant)
      : await one(ports, ask, ask.id, decision.grant);
  const shown = answer.released.length > 0 ? decision.grant.personIds[0] : undefined;
  const asked = await countPerson(ports, request, shown);
  const receipt = await accountFor(ports, request, facts, decision.grant, answer, asked);
  if (answer.problem !== undefined) throw answer.problem;
  return { body: answer.body, receipt };
}

async function one(ports: DisclosePorts, { results }: Ask, id: string, grant: Grant): Promise<Answer> {
  const event = await readable(() => ports.auditReader.event(id));
  const [row] = event === undefined ? [] : await visible(ports, grant, [event]);
  if (row === undefined) return { problem: notFound(), released: [] };
  const body = partOf(row.text, results);
  return { body, released: [{ madeOf: [row.row], text: body }] };
}

interface VisibleEvent {
  readonly event: StoredEvent;
  readonly row: Row;
  /** as the caller may read it */
  readonly text: string;
}

/** The total is left out: it would count what another page may no longer show. */
async function page(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  grant: Grant,
): Promise<Answer> {
  const { ask } = request;
  if (ask.recorded === undefined)
    throw new Problem('invalid', 'An audit search is bounded in time.', { expression: ['date'] });
  const found: VisibleEvent[] = [];
  let after = ask.after === undefined ? undefined : cursorOf(ask.after.lastKey);
  let more = true;
  for (let read = 0; more && read < MOST && found.length <= ask.count; read += CHUNK) {
    const from = after;
    const chunk = await readable(() =>
      ports.auditReader.search({
        ...(ask.recorded ?? { from: 0, to: 0 }),
        ...(facts.person === 'absent' ? {} : { personIds: grant.personIds }),
        ...(ask.ids === undefined ? {} : { ids: ask.ids }),
        ...(from === undefined ? {} : { after: from }),
        limit: CHUNK,
      }),
    );
    found.push(...(await visible(ports, grant, chunk)).filter((event) => meets(event, ask, facts.now)));
    const last = chunk.at(-1);
    more = chunk.length === CHUNK && last !== undefined;
    if (last !== undefined) after = { recorded: last.recorded, id: last.id };
  }
  const shown = found.slice(0, ask.count);
  const last = found.length > ask.count ? shown.at(-1)?.event : undefined;
  const cursor = last ?? (more ? after : undefined);
  const next = cursor === undefined ? undefined : nextLink(ports, request, facts, cursor);
  const texts = shown.map(({ text }) => partOf(text, ask.results));
  const body = searchset({
    baseUrl: ports.baseUrl,
    self: request.self,
    ...(next === undefined ? {} : { next }),
    entries: shown.map(({ event }, place) => ({
      type: 'AuditEvent',
      id: event.id,
      body: texts[place] ?? '',
    })),
    issues: [],
    now: facts.now,
  });
  return { body, released: shown.map(({ row }, place) => ({ madeOf: [row], text: texts[place] ?? '' })) };
}

/** An event as a row to be decided on. */
export function rowOfEvent(event: StoredEvent, numbers?: readonly string[]): Row {
  return {
    id: event.id,
    personId: event.personId ?? '',
    version: 0,
    source: '',
    type: 'AuditEvent',
    categories: [],
    labels: [],
    codes: [],
    ...(event.organisation === undefined ? {} : { organisation: event.organisation }),
    ...(numbers === undefined ? {} : { numbers }),
  };
}

/** Events as rows, decided on like any other: whose they are about is compared with the officer's own numbers. */
export async function visible(
  ports: DisclosePorts,
  grant: Grant,
  events: readonly StoredEvent[],
): Promise<VisibleEvent[]> {
  const people = [...new Set(events.flatMap((event) => event.personId ?? []))];
  const numbers =
    people.length === 0 ? new Map<string, readonly string[]>() : await ports.store.numbersOf(people);
  return events.flatMap((event): VisibleEvent[] => {
    const own = event.personId === undefined ? undefined : numbers.get(event.personId);
    const row = rowOfEvent(event, own);
    return grant.permits(row) ? [{ event, row, text: auditEventFor(grant.caller, event.body) }] : [];
  });
}

/** Whether an event is asked for, judged by what the caller may read of it. */
function meets({ event, text }: VisibleEvent, ask: Ask, now: number): boolean {
  const { criteria = [] } = ask;
  if (criteria.length === 0) return true;
  const searched = { type: 'AuditEvent', id: event.id, line: searchLine(JSON.parse(text) as AuditEvent) };
  return new SearchWorld([], now).meets(searched, criteria);
}

function nextLink(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  cursor: { readonly recorded: number; readonly id: string },
): string {
  const after = { publication: facts.publication, lastKey: `${cursor.recorded}.${cursor.id}` };
  const page = { question: request.again, after };
  return `AuditEvent?_page=${ports.pageTokens.seal(page, request.caller, facts.now)}`;
}

function cursorOf(lastKey: string): { readonly recorded: number; readonly id: string } {
  const point = lastKey.indexOf('.');
  return { recorded: Number(lastKey.slice(0, point)), id: lastKey.slice(point + 1) };
}

export async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new Problem(
      'unavailable',
      'The audit log cannot be read just now. Try again shortly.',
      { retryAfter: 5 },
      error,
    );
  }
}
