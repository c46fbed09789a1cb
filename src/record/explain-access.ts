import type { Ask, ExplainedRequest, PersonReference } from '../access/ask.ts';
import type { Caller } from '../access/caller.ts';
import { isDirectory } from '../access/data-classes.ts';
import { decide, type Grant, type Refused } from '../access/decide.ts';
import { explain } from '../access/explain.ts';
import type { MayKnow } from '../access/explained-facts.ts';
import type { Facts } from '../access/facts.ts';
import { roleOf } from '../access/role-table.ts';
import { isPatternOf } from '../audit/event.ts';
import type { StoredEvent } from '../audit/reader.ts';
import { londonDay } from '../fhir/london.ts';
import { Problem } from '../fhir/problem.ts';
import { accounted, accountFor, accountRefusal } from './account.ts';
import { readable, rowOfEvent, visible } from './audit-rows.ts';
import { notFound } from './composition.ts';
import type { Accounted } from './disclose.ts';
import { type ExplainedOne, explanationParameters } from './explanation.ts';
import type { DisclosePorts, Row } from './ports.ts';
import { recordedRequest } from './recorded-request.ts';
import { countRefused, refusalOf } from './refuse.ts';
import type { DisclosureRequest } from './request.ts';
import { countPerson } from './sweeps.ts';

/** Events of one request at most: those of a batch. */
const MOST_EVENTS = 60;
/** Nobody is known by it. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * `$explain-access`: what each rule made of a request, or would make of one. Whoever asks is decided on like for an
 * audit search, twice: for the log, and for the person that the request was about. So it is for governance with a case
 * number; officers see what their own organisation's users asked; nobody sees themselves; and nothing is said of people
 * under special protection. One event for each person that something is said of.
 *
 * @throws Problem as `disclose`
 */
export async function explainAccess(ports: DisclosePorts, request: DisclosureRequest): Promise<Accounted> {
  const { explained } = request.ask;
  if (explained === undefined) throw new Error('explainAccess takes a request to be explained.');
  return explained.by === 'supposition'
    ? explainSupposition(ports, request, explained)
    : explainPast(ports, request, explained);
}

async function explainSupposition(
  ports: DisclosePorts,
  request: DisclosureRequest,
  supposed: Extract<ExplainedRequest, { by: 'supposition' }>,
): Promise<Accounted> {
  const { ask, caller } = request;
  const facts = await ports.store.facts(ask.person, caller);
  const decision = decide(caller, ask, facts);
  if (decision.outcome === 'refused') throw await refused(ports, request, facts, decision);
  const { grant } = decision;
  const personId = grant.personIds[0];
  const row = rowAbout(supposed.caller, personId);
  if (!grant.permits(row)) {
    await accountRefusal(ports, request, facts, {
      refusal: { ...NOT_YOURS, rule: 'role', aboutPerson: false },
    });
    throw accounted(new Problem(NOT_YOURS.kind, NOT_YOURS.message, { reason: NOT_YOURS.reason }));
  }
  const asked = await countPerson(ports, request, personId);
  const { at = facts.now, interaction, type } = supposed;
  const question = { interaction, type, person: ask.person, count: 1 };
  const one = await explainedNow(ports, caller, facts, supposed.caller, question, at);
  const body = JSON.stringify(explanationParameters([{ ...one, notKept: at < facts.now ? NOT_KEPT : [] }]));
  const receipt = await accountFor(ports, request, facts, grant, { body, released: [] }, asked);
  return { body, receipt };
}

async function explainPast(
  ports: DisclosePorts,
  request: DisclosureRequest,
  past: Exclude<ExplainedRequest, { by: 'supposition' }>,
): Promise<Accounted> {
  const { ask, caller } = request;
  const facts = await ports.store.facts(ask.person, caller);
  const decision = decide(caller, ask, facts);
  if (decision.outcome === 'refused') throw await refused(ports, request, facts, decision);
  const events = (await visible(ports, facts, decision.grant, await eventsOf(ports, past))).map(
    ({ event }) => event,
  );
  const told: Told[] = [];
  for (const event of events) {
    const one = await tellOf(ports, request, facts, decision.grant, event);
    if (one !== undefined) told.push(one);
  }
  const body = JSON.stringify(explanationParameters(told.map(({ explained }) => explained)));
  if (told.length === 0) {
    await accountFor(ports, request, facts, decision.grant, { problem: notFound(), released: [] });
    throw accounted(notFound());
  }
  const counted: (string | undefined)[] = [];
  for (const { grant } of told) counted.push(await countPerson(ports, request, grant.personIds[0]));
  let receipt: Accounted['receipt'] | undefined;
  for (const [place, one] of told.entries())
    receipt = await accountFor(
      ports,
      request,
      one.facts,
      one.grant,
      { body, released: [{ madeOf: [one.row] }] },
      counted[place],
    );
  if (receipt === undefined) throw new Error('Something was explained without an account.');
  return { body, receipt };
}

interface Told {
  readonly facts: Facts;
  readonly grant: Grant;
  readonly row: Row;
  readonly explained: ExplainedOne;
}

/** @returns undefined where nothing may be said of the person that the event is about */
async function tellOf(
  ports: DisclosePorts,
  request: DisclosureRequest,
  general: Facts,
  ofLog: Grant,
  event: StoredEvent,
): Promise<Told | undefined> {
  const { caller } = request;
  const { personId } = event;
  let [facts, grant] = [general, ofLog];
  if (personId !== undefined) {
    const ask: Ask = { ...request.ask, person: { by: 'person-id', id: personId } };
    facts = await ports.store.facts(ask.person, caller);
    const decision = decide(caller, ask, facts);
    if (decision.outcome === 'refused') {
      await accountRefusal(ports, { ...request, ask }, facts, decision);
      return undefined;
    }
    grant = decision.grant;
  }
  const recorded = recordedRequest(event.body);
  const { asks, caller: asker } = recorded;
  const at = facts.now;
  const now =
    asks === undefined || asker === undefined
      ? { at }
      : await explainedNow(
          ports,
          caller,
          facts,
          asker,
          { ...asks, person: personOf(asks, personId), count: 1 },
          at,
        );
  const notKept = [
    ...(asker === undefined ? [NO_CALLER] : asks === undefined ? [NOTHING_DECIDED] : NOT_KEPT),
    ...(recorded.policyVersion === undefined || recorded.policyVersion === facts.policy.version
      ? []
      : [OTHER_POLICY]),
  ];
  const explained = { ...now, event: { id: event.id, recorded: event.recorded, request: recorded }, notKept };
  return { facts, grant, row: rowOfEvent(event), explained };
}

async function eventsOf(
  ports: DisclosePorts,
  past: Exclude<ExplainedRequest, { by: 'supposition' }>,
): Promise<readonly StoredEvent[]> {
  if (past.by === 'event') {
    const event = await readable(() => ports.auditReader.event(past.id));
    return event === undefined ? [] : [event];
  }
  const { from, to, requestId } = past;
  const wanted = { from, to, anyOf: [{ requestIds: [requestId] }], limit: MOST_EVENTS, effort: MOST_EVENTS };
  const { events } = await readable(() => ports.auditReader.search(wanted));
  // the decision of a consent stands beside the event of the request, which says why; an alert after what it is about
  const own = events.filter(({ body }) => !isPatternOf('consent-decision', body));
  const [accounts, alerts] = [false, true].map((isAlert) =>
    own.filter(({ body }) => (recordedRequest(body).alert !== undefined) === isAlert),
  );
  return [...(accounts ?? []), ...(alerts ?? [])];
}

/** The rules' answer with what is known now, on the day of `at`. */
async function explainedNow(
  ports: DisclosePorts,
  officer: Caller,
  known: Facts,
  asker: Caller,
  ask: Ask,
  at: number,
): Promise<Pick<ExplainedOne, 'explanation' | 'at'>> {
  const facts = await ports.store.facts(ask.person, asker);
  const then = { ...facts, now: at, today: londonDay(at) };
  return { explanation: explain(asker, ask, then, mayKnow(officer, known)), at };
}

/** What a source knows of the person: for central monitoring, and for the officers of whoever keeps the source. */
function mayKnow(officer: Caller, facts: Facts): MayKnow {
  if (officer.kind !== 'governance') return () => false;
  const all = roleOf(officer, facts)?.governance === 'central-monitoring';
  return (source) => all || facts.policy.sources.get(source)?.organisation === officer.organisation;
}

function personOf({ type }: Pick<Ask, 'type'>, personId: string | undefined): PersonReference {
  if (personId !== undefined) return { by: 'person-id', id: personId };
  // nobody was known, and who was meant is not looked up again
  return isDirectory(type) || type === 'AuditEvent' ? { by: 'none' } : { by: 'person-id', id: NOBODY };
}

/** As if what is supposed had been audited: so the same gate judges both. */
function rowAbout(supposed: Caller, personId = ''): Row {
  const organisation = 'organisation' in supposed ? supposed.organisation : undefined;
  const event = { id: NOBODY, recorded: 0, body: '', personId };
  return rowOfEvent(organisation === undefined ? event : { ...event, organisation });
}

async function refused(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  decision: Refused,
): Promise<Problem> {
  return refusalOf(ports, request, facts, decision, await countRefused(ports, request, decision));
}

const NOT_YOURS = {
  kind: 'forbidden',
  reason: 'role',
  message: 'Officers have the access of their own organisation explained. Ask central monitoring.',
} as const;

const NOT_KEPT: readonly string[] = [
  'Opt-outs, special protection, links between numbers and the staff directory are kept as they are now: they may have been otherwise then.',
  'Agreements of the person are those recorded now, with their dates; the rules of organisations and sources those configured now, with their dates.',
];
const NO_CALLER =
  'The log does not hold enough of who asked to ask the rules again: what was decided stands as it was recorded.';
const NOTHING_DECIDED = 'Nothing was decided on this request, or it was recorded before verdicts were.';
const OTHER_POLICY =
  'The request was decided under another version of the policy, which is not kept: the rules are those configured now.';
