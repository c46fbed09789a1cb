import type { Caller, StaffCaller } from '../../src/access/caller.ts';
import { OBSERVER } from '../../src/audit/agents.ts';
import { canonicalEvent } from '../../src/audit/event.ts';
import type { Occurrence, OccurrenceKind } from '../../src/audit/occurrence.ts';

/** A year of a county's audit events, made up: who looked at whom, when, and what became of it. */

const ODS = 'https://fhir.nhs.uk/Id/ods-organization-code';
export const ISSUER = 'https://demo.mycarerecord.example/issuer';
const SERVICE = { site: 'mycarerecord.example', observer: OBSERVER, baseUrl: 'http://127.0.0.1:8080/fhir' };

/** Organisations, with their share of the looks in thousandths, and the client that most of theirs come through. */
const ORGANISATIONS: readonly (readonly [code: string, share: number, client: string])[] = [
  ['RXQ', 380, 'trust-epr'],
  ['RNU', 150, 'trust-epr'],
  ['RYE', 80, 'ambulance-cad'],
  ['bucks-out-of-hours', 60, 'out-of-hours'],
  ['bucks-council', 90, 'lcs-viewer'],
  ['K82001', 80, 'gp-system'],
  ['K82004', 60, 'gp-system'],
  ['K82006', 50, 'gp-system'],
  ['K82007', 49, 'gp-system'],
  // a hospice's size
  ['K82036', 1, 'hospice-viewer'],
];
const USERS_FOR_A_THOUSANDTH = 4;
/** A small random number generator (mulberry32): the same seed, the same year. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The same for all of one number: as {@link PERSON_SQL} has it. */
export function personId(n: number): string {
  const mixed = (n * 2_654_435_761) % 4_294_967_296;
  return `${mixed.toString(16).padStart(8, '0')}-0000-4000-8000-${String(n).padStart(12, '0')}`;
}
export const PERSON_SQL =
  "(lpad(to_hex((n::bigint * 2654435761) % 4294967296), 8, '0') || '-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid";

/** Of a thousand: what is met first. */
function one<T>(of: readonly (readonly [value: T, share: number])[], random: () => number): T {
  let left = random() * 1000;
  for (const [value, share] of of) {
    left -= share;
    if (left < 0) return value;
  }
  const [last] = of.slice(-1);
  if (last === undefined) throw new Error('There is nothing to choose from.');
  return last[0];
}

const KINDS: readonly (readonly [OccurrenceKind, number])[] = [
  ['search-type', 700],
  ['read', 150],
  ['everything', 60],
  ['summary', 42],
  ['match', 40],
  ['declare-relationship', 7.9],
  ['sweep', 0.02],
  ['configuration', 0.08],
];
const OUTCOMES: readonly (readonly [Occurrence['outcome'], number])[] = [
  [{ code: '0' }, 977],
  [{ code: '4', reason: 'relationship-required' }, 11],
  [{ code: '4', reason: 'not-found' }, 6],
  [{ code: '4', reason: 'consent-withdrawn' }, 3],
  [{ code: '4', reason: 'role' }, 2],
  [{ code: '4', reason: 'own-record' }, 0.2],
  [{ code: '12', reason: 'unavailable' }, 0.8],
];
const PURPOSES: readonly (readonly [string, number])[] = [
  ['TREAT', 960],
  ['CAREMGT', 15],
  ['ETREAT', 23],
  ['BTG', 2],
];
const RELATIONSHIPS: readonly (readonly [string, number])[] = [
  ['registration', 480],
  ['episode', 460],
  ['declared', 60],
];
const HOURS: readonly (readonly [number, number])[] = Array.from({ length: 24 }, (_, hour) => [
  hour,
  hour >= 8 && hour < 18 ? 87 : hour >= 18 && hour < 22 ? 18 : 5.8,
]);

export interface YearPlan {
  readonly events: number;
  readonly people: number;
  /** milliseconds since the epoch, the first day; the year has 360 */
  readonly start: number;
}

export const DAYS = 360;
const DAY = 86_400_000;

/** A user whom an officer has reason to ask about, and a day on which they looked at many, in one request. */
export const CURIOUS = { user: 'RXQ-user-7', day: 100, requestId: 'sweep-of-the-rig' } as const;

/** One line for COPY of audit.event for each event, in the order of time. */
export function* year({ events, people, start }: YearPlan): Generator<string> {
  const random = randomNumbers(7);
  let [seq, request] = [0, 0];
  for (let day = 0; day < DAYS; day += 1) {
    const weekday = new Date(start + day * DAY).getUTCDay() % 6 !== 0;
    const share = weekday ? 1.19 : 0.525;
    const many =
      day === DAYS - 1 ? events - seq : Math.min(events - seq, Math.round((events / DAYS) * share));
    const times = Array.from({ length: many }, () => timeOf(start + day * DAY, random)).sort((a, b) => a - b);
    for (const [place, recorded] of times.entries()) {
      if (random() < 0.67) request += 1;
      const curious = day === CURIOUS.day && place < 60;
      yield lineOf(eventOf(recorded, seq, request, people, curious, random), recorded, seq);
      seq += 1;
    }
  }
}

function timeOf(day: number, random: () => number): number {
  return day + Math.floor((one(HOURS, random) + random()) * 3_600_000);
}

export const COLUMNS =
  'month, shard, outcome, seq, recorded, event_id, person_id, kind, organisation, client, agent, purpose, request_id, salt, leaf, manifest, body';

function eventOf(
  recorded: number,
  seq: number,
  request: number,
  people: number,
  curious: boolean,
  random: () => number,
): Occurrence {
  const outcome = one(OUTCOMES, random);
  const what = one(KINDS, random);
  // some people are looked at much more than others
  const person = personId(Math.floor(random() ** 2 * people));
  const caller = curious ? staffOf('RXQ', 'trust-epr', 7, random) : callerOf(random);
  const url = `/fhir/Observation?patient=${person}`;
  return {
    id: `${hex(random)}-${hex(random).slice(0, 4)}-4000-8000-${String(seq).padStart(12, '0')}`,
    at: recorded,
    requestId: curious
      ? CURIOUS.requestId
      : `0b7a3c1e-51d2-4e0f-9a6b-${request.toString(16).padStart(12, '0')}`,
    what,
    caller,
    organisationSystem: ODS,
    clientAddress: `10.20.${Math.floor(random() * 50)}.${Math.floor(random() * 250)}`,
    personId: person,
    ...(what === 'read' ? { resource: `Observation/${person}/_history/3` } : {}),
    rawRequest: `GET ${url} HTTP/1.1`,
    outcome,
    policyVersion: '3f0c9a1d7be2',
    details: {
      caller: caller.kind,
      ...(caller.kind === 'staff' ? { relationship: one(RELATIONSHIPS, random) } : {}),
    },
  };
}

function hex(random: () => number): string {
  return Math.floor(random() * 4_294_967_296)
    .toString(16)
    .padStart(8, '0');
}

function callerOf(random: () => number): Caller {
  if (random() < 0.03) {
    const subject = `nhs-login-${Math.floor(random() * 40_000)}`;
    return {
      kind: 'patient',
      issuer: ISSUER,
      subject,
      client: 'phr',
      tokenId: hex(random),
      scopes: [],
      nhsNumber: '9990000018',
    };
  }
  const [organisation, share, client] = one(
    ORGANISATIONS.map((each) => [each, each[1]] as const),
    random,
  );
  return staffOf(
    organisation,
    client,
    Math.floor(random() ** 2 * Math.max(2, share * USERS_FOR_A_THOUSANDTH)),
    random,
  );
}

function staffOf(organisation: string, client: string, user: number, random: () => number): StaffCaller {
  const id = `${organisation}-user-${user}`;
  return {
    kind: 'staff',
    issuer: ISSUER,
    subject: id,
    client,
    tokenId: `${hex(random)}-${hex(random)}`,
    scopes: [],
    user: { id, name: `Dr Example ${user}` },
    organisation,
    role: 'consultant',
    purpose: one(PURPOSES, random),
    reason: 'outpatient clinic',
    attestsNotOwn: true,
    namedBy: 'login',
  };
}

const [SALT, LEAF, MANIFEST] = [16, 32, 26].map((length) => `\\\\x${'5a'.repeat(length)}`);

function lineOf(occurrence: Occurrence, recorded: number, seq: number): string {
  const { caller, outcome, personId: person } = occurrence;
  const staff = caller?.kind === 'staff' ? caller : undefined;
  const time = new Date(recorded).toISOString();
  const body = canonicalEvent(occurrence, SERVICE, recorded).replaceAll('\\', '\\\\');
  const cells = [
    `${time.slice(0, 7)}-01`,
    '0',
    outcome.code,
    String(seq),
    time,
    occurrence.id,
    person ?? '\\N',
    occurrence.what,
    staff?.organisation ?? '\\N',
    caller?.client ?? '\\N',
    staff?.user.id ?? caller?.subject ?? '\\N',
    staff?.purpose ?? 'PATRQT',
    occurrence.requestId,
    SALT,
    LEAF,
    MANIFEST,
    body,
  ];
  return `${cells.join('\t')}\n`;
}
