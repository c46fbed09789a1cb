import type { AuditEvent } from '@medplum/fhirtypes';
import type { Ask } from '../access/ask.ts';
import type { Grant } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import type { AuditSearch, PlaceInLog } from '../audit/reader.ts';
import { outcomeIssue } from '../fhir/outcome.ts';
import { Problem } from '../fhir/problem.ts';
import { searchLine } from '../fhir/search/extract.ts';
import type { ParsedParameter } from '../fhir/search/parameter.ts';
import { isAt, readTimeOfDay } from '../fhir/search/time-of-day.ts';
import { SearchWorld } from '../fhir/search/world.ts';
import { type AuditScope, narrowed } from './audit-narrowing.ts';
import { readable, type VisibleEvent, visible } from './audit-rows.ts';
import { auditTable } from './audit-table.ts';
import { seesEveryOrganisation } from './audit-view.ts';
import { searchset } from './bundle.ts';
import { type Answer, partOf } from './composition.ts';
import type { DisclosePorts } from './ports.ts';
import type { DisclosureRequest } from './request.ts';

/** Events judged at a time, at first and at most: a page that hides many others reads more at once as it goes on. */
const CHUNK = 250;
const LARGEST_CHUNK = 1000;
/**
 * Events that the database looks through at a time for what no index finds, at first and at most: it reads few in order,
 * where it would sort many.
 */
const EFFORT = 500;
const LARGEST_EFFORT = 10_000;
/** What one page costs at most, in events judged here; and in time, `auditSearchTime`: then it ends early, and says so. */
const MOST = 20_000;
/** Patients of an organisation that are asked for by name; where there are more, events are looked through for them. */
const FEW_PATIENTS = 2000;

/**
 * A page of audit events, in the order of time. The log is asked for what its columns and plain text can tell, and every
 * event is then judged by what the caller may read of it, so that nothing is found by what is hidden. The total is left
 * out: it would count what another page may no longer show.
 */
export async function auditPage(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  grant: Grant,
): Promise<Answer> {
  const { ask } = request;
  const { found, end } = await gather(ports, ask, facts, grant);
  const shown = found.slice(0, ask.count);
  const last = found.length > ask.count ? shown.at(-1)?.event : undefined;
  const cursor = last ?? end;
  const parts = shown.map(({ text }) => partOf(text, ask.results));
  const next = cursor === undefined ? undefined : nextLink(ports, request, facts, cursor);
  if (request.as !== undefined) {
    // cells are no text of a resource
    const released = shown.map(({ row, text }) => ({
      madeOf: [row],
      ...(request.as === 'ndjson' && { text }),
    }));
    const body = auditTable(request.as, shown);
    return { body, released, details: { format: request.as }, ...(next !== undefined && { next }) };
  }
  const body = searchset({
    baseUrl: ports.baseUrl,
    self: request.self,
    ...(next === undefined ? {} : { next }),
    entries: shown.map(({ event }, place) => ({
      type: 'AuditEvent',
      id: event.id,
      body: parts[place] ?? '',
    })),
    issues: next !== undefined && shown.length < ask.count ? [CUT] : [],
    now: facts.now,
  });
  return { body, released: shown.map(({ row }, place) => ({ madeOf: [row], text: parts[place] ?? '' })) };
}

/** Never silently: a page with fewer events than asked for is not the last one where there may be more. */
const CUT = outcomeIssue({
  severity: 'warning',
  code: 'too-costly',
  reason: 'search-goes-on',
  text: 'Not all of the time asked for has been looked through yet: the search goes on with the next link.',
});

interface Gathered {
  /** one more than a page holds, where there is one */
  readonly found: readonly VisibleEvent[];
  /** up to where everything was looked at; absent: there is no more */
  readonly end?: PlaceInLog;
}

async function gather(ports: DisclosePorts, ask: Ask, facts: Facts, grant: Grant): Promise<Gathered> {
  const wanted = await wantedOf(ports, ask, facts, grant);
  const found: VisibleEvent[] = [];
  let end = ask.after === undefined ? undefined : cursorOf(ask.after.lastKey);
  let [limit, effort] = [Math.min(CHUNK, ask.count + 1), EFFORT];
  const until = performance.now() + ports.auditSearchTime;
  for (let judged = 0; judged < MOST && found.length <= ask.count && performance.now() < until; ) {
    const after = end;
    const chunk = await readable(() =>
      ports.auditReader.search({ ...wanted, limit, effort, ...(after === undefined ? {} : { after }) }),
    );
    judged += chunk.events.length;
    found.push(...(await meeting(await visible(ports, facts, grant, chunk.events), ask, facts.now)));
    if (chunk.end === undefined) return { found };
    end = chunk.end;
    [limit, effort] = [Math.min(LARGEST_CHUNK, limit * 2), Math.min(LARGEST_EFFORT, effort * 4)];
  }
  return end === undefined ? { found } : { found, end };
}

async function wantedOf(
  ports: DisclosePorts,
  ask: Ask,
  facts: Facts,
  grant: Grant,
): Promise<Omit<AuditSearch, 'limit' | 'effort' | 'after'>> {
  if (ask.recorded === undefined)
    throw new Problem('invalid', 'An audit search is bounded in time.', { expression: ['date'] });
  const given = {
    ...(facts.person === 'absent' ? {} : { personIds: grant.personIds }),
    ...(ask.ids === undefined ? {} : { ids: ask.ids }),
  };
  const scope = await scopeOf(ports, facts, grant);
  const [order] = ask.results?.sort ?? [];
  return {
    ...ask.recorded,
    anyOf: narrowed(ask.criteria ?? [], given, scope),
    ...(order?.descending === false ? { oldestFirst: true } : {}),
  };
}

async function scopeOf(
  ports: DisclosePorts,
  facts: Facts,
  { caller }: Grant,
): Promise<AuditScope | undefined> {
  if (caller.kind !== 'governance' || seesEveryOrganisation(caller, facts)) return undefined;
  const { organisation } = caller;
  const patients = await ports.store.fewPatientsOf(organisation, FEW_PATIENTS);
  return patients === undefined ? { organisation } : { organisation, patients };
}

/** Events judged without a pause for others. */
const AT_ONCE = 50;

async function meeting(
  events: readonly VisibleEvent[],
  { criteria = [] }: Ask,
  now: number,
): Promise<readonly VisibleEvent[]> {
  if (criteria.length === 0) return events;
  const found: VisibleEvent[] = [];
  for (const [place, event] of events.entries()) {
    if (place % AT_ONCE === AT_ONCE - 1) await new Promise(setImmediate);
    if (meets(event, criteria, now)) found.push(event);
  }
  return found;
}

/** Whether an event is asked for, judged by what the caller may read of it. It is as old as it was recorded. */
function meets({ event, text }: VisibleEvent, criteria: readonly ParsedParameter[], now: number): boolean {
  const { id, recorded } = event;
  const resource = JSON.parse(text) as AuditEvent;
  const lastUpdated = new Date(recorded).toISOString();
  const line = searchLine({ ...resource, meta: { ...resource.meta, lastUpdated } });
  const ofTime = criteria.filter(({ name }) => name === 'mcr-time-of-day');
  const others = ofTime.length === 0 ? criteria : criteria.filter((each) => !ofTime.includes(each));
  return (
    ofTime.every((parameter) => isOfTime(parameter, recorded)) &&
    new SearchWorld([], now).meets({ type: 'AuditEvent', id, line }, others)
  );
}

function isOfTime({ values }: ParsedParameter, recorded: number): boolean {
  return values.some((value) => {
    const time = value.kind === 'choice' ? readTimeOfDay(value.choice) : undefined;
    return time !== undefined && isAt(time, recorded);
  });
}

function nextLink(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  cursor: PlaceInLog,
): string {
  const after = { publication: facts.publication, lastKey: `${cursor.recorded}.${cursor.id}` };
  const page = { question: request.again, after };
  const link = `AuditEvent?_page=${ports.pageTokens.seal(page, request.caller, facts.now)}`;
  return request.as === undefined ? link : `${link}&_format=${request.as}`;
}

function cursorOf(lastKey: string): PlaceInLog {
  const point = lastKey.indexOf('.');
  return { recorded: Number(lastKey.slice(0, point)), id: lastKey.slice(point + 1) };
}
