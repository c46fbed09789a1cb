import type { Ask } from '../access/ask.ts';
import { isDirectory } from '../access/data-classes.ts';
import { decide, type Grant } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import { indexFault } from '../audit/index-columns.ts';
import { decodeManifest, type Manifest } from '../audit/manifest.ts';
import { leafHash } from '../audit/merkle.ts';
import type { SealedRow } from '../audit/reader.ts';
import { accounted, accountFor } from './account.ts';
import { asSeenBundle } from './as-seen-bundle.ts';
import { readable, visible } from './audit-rows.ts';
import { notFound } from './composition.ts';
import { consentRow } from './consent.ts';
import { changing, MOST_ATTEMPTS, stillHolds } from './decide-and-gather.ts';
import type { Accounted } from './disclose.ts';
import type { DisclosePorts, KeptItem, Row } from './ports.ts';
import { asResources, type Found, type Rebuilt, rebuild, type Then } from './rebuild.ts';
import { type RecordedRequest, recordedRequest } from './recorded-request.ts';
import { refusalOf } from './refuse.ts';
import type { DisclosureRequest } from './request.ts';
import { countPerson } from './sweeps.ts';

/**
 * `AuditEvent/[id]/$as-seen`: what the request of an event released, built again from what its manifest names, each
 * resource held against the digest that was sealed with it (docs/decisions/0064). Decided on twice, like an explanation:
 * for the log, where an event out of the officer's reach is as one that does not exist, and for the person that the
 * event is about. What was withdrawn since hides nothing; who is under special protection today is not found.
 *
 * @throws Problem as `disclose`
 */
export async function discloseAsSeen(ports: DisclosePorts, request: DisclosureRequest): Promise<Accounted> {
  const { ask, caller } = request;
  const general = await ports.store.facts(ask.person, caller);
  const decision = decide(caller, ask, general);
  // nobody is counted: who is hidden counts no more than an event that is not there
  if (decision.outcome === 'refused') throw await refusalOf(ports, request, general, decision);
  const row = await readable(() => ports.auditReader.sealed(ask.id ?? ''));
  const [seen] =
    row === undefined ? [] : await visible(ports, general, decision.grant, [{ ...row, id: row.eventId }]);
  if (row === undefined || seen === undefined) {
    await accountFor(ports, request, general, decision.grant, { problem: notFound(), released: [] });
    throw accounted(notFound());
  }
  const recorded = recordedRequest(row.body);
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    const { facts, grant } = await decidedOnPerson(
      ports,
      request,
      { general, ofLog: decision.grant },
      row,
      recorded,
    );
    const built = await builtAgain(ports, facts, grant, row, recorded);
    if (!(await stillHolds(ports, facts, grant))) continue;
    const event = { madeOf: [seen.row], text: seen.text };
    const shown = built.resources.flatMap((one) => (one.state === 'not-available' ? [] : [one]));
    const body = asSeenBundle({ ports, request, facts, row, recorded, eventText: event.text, ...built });
    const asked = await countPerson(ports, request, grant.personIds[0]);
    const released = [event, ...shown.map(({ madeOf, text }) => ({ madeOf, text }))];
    const answer = { body, released, details: { event: row.eventId } };
    return { body, receipt: await accountFor(ports, request, facts, grant, answer, asked) };
  }
  throw changing();
}

interface Decided {
  readonly facts: Facts;
  readonly grant: Grant;
}

/** Whoever the event is about is decided on as they are today, with everybody they were or are linked with. */
async function decidedOnPerson(
  ports: DisclosePorts,
  request: DisclosureRequest,
  { general, ofLog }: { readonly general: Facts; readonly ofLog: Grant },
  { personId, recorded: at }: SealedRow,
  { asks, asAt = at }: RecordedRequest,
): Promise<Decided> {
  const { caller, ask } = request;
  if (personId === undefined && (asks === undefined || !isDirectory(asks.type)))
    return { facts: general, grant: ofLog };
  const question: Ask =
    personId === undefined
      ? { interaction: 'as-seen', type: asks?.type ?? ask.type, person: ask.person, count: 1 }
      : {
          interaction: 'as-seen',
          type: 'Patient',
          person: { by: 'person-id', id: personId },
          asAt,
          count: 1,
        };
  const facts =
    personId === undefined ? general : await ports.store.facts(question.person, caller, { at: asAt });
  const decision = decide(caller, question, facts);
  if (decision.outcome === 'granted') return { facts, grant: decision.grant };
  // that the event is about somebody hidden, or about the officer, is not told either
  const problem = await refusalOf(ports, { ...request, ask: question }, facts, decision);
  throw decision.refusal.aboutPerson ? accounted(notFound()) : problem;
}

/** What came of building it again. */
export interface BuiltAgain {
  readonly resources: readonly Rebuilt[];
  /** the event is what was hashed */
  readonly isWhole: boolean;
  /** the event seals digests */
  readonly isSealed: boolean;
  readonly policyKept: boolean;
  readonly manifest: Manifest;
}

async function builtAgain(
  ports: DisclosePorts,
  facts: Facts,
  grant: Grant,
  row: SealedRow,
  recorded: RecordedRequest,
): Promise<BuiltAgain> {
  const manifest = decodeManifest(row.manifest);
  const isWhole =
    leafHash(row.salt, row.body, row.manifest).equals(row.leaf) && indexFault(row, row.body) === undefined;
  const { policyVersion = '', part, resource, asks } = recorded;
  const { personId, salt } = row;
  const earlier =
    policyVersion === facts.policy.version ? facts.policy : await ports.store.policy(policyVersion);
  const policy = earlier ?? facts.policy;
  const isSealed = manifest.resources.some(({ digest }) => digest !== undefined);
  const common = { isWhole, isSealed, policyKept: earlier !== undefined, manifest };
  const released = manifest.resources.filter(
    ({ madeOf, digest }) => madeOf.length > 0 || digest !== undefined,
  );
  // events are read where they are decided on, each for itself
  const lack = isWhole ? (asks?.type === 'AuditEvent' ? 'audit-event' : undefined) : 'log-altered';
  if (lack !== undefined) {
    const references = lack === 'log-altered' ? [`AuditEvent/${row.eventId}`] : released.flatMap(namesOf);
    const resources = references.map(
      (reference) => ({ state: 'not-available', why: lack, reference }) as const,
    );
    return { ...common, resources };
  }
  const found = await foundAgain(ports, facts, grant, manifest, policy);
  const view = await ports.store.viewAt(manifest.publication, policy);
  const then: Then = {
    salt,
    policy,
    policyKept: earlier !== undefined,
    view,
    ...(personId === undefined ? {} : { personId }),
    ...(part === undefined ? {} : { part }),
    ...(resource === undefined ? {} : { resource }),
  };
  const resources = isSealed
    ? released.map(({ madeOf, digest }) => rebuild({ ...(digest && { digest }) }, madeOf.map(found), then))
    : asResources(manifest.released.map(found)).map((rows) => rebuild({}, rows, then));
  return { ...common, resources: resources.flatMap((one) => one ?? []) };
}

function namesOf({ madeOf }: Manifest['resources'][number]): readonly string[] {
  return madeOf.map(({ id }) => `AuditEvent/${id}`);
}

/** What is still there of everything that a manifest names, each judged as a row of today. */
async function foundAgain(
  ports: DisclosePorts,
  facts: Facts,
  grant: Grant,
  { released }: Manifest,
  policy: Facts['policy'],
): Promise<(item: { readonly id: string; readonly version: number }) => Found> {
  const kept = await ports.store.kept(released, grant.decidedOn, policy);
  const consents =
    grant.personIds.length > 0 && kept.some(({ type }) => type === undefined)
      ? (await ports.store.consents(grant)).flatMap((record) => consentRow(record, policy))
      : [];
  const byKey = new Map(
    kept.map((item) => {
      const whole = item.type === undefined ? withConsent(item, consents) : item;
      return [`${item.id}/${item.version}`, { ...whole, verdict: verdictOf(facts, grant, whole) }];
    }),
  );
  return ({ id, version }) =>
    byKey.get(`${id}/${version}`) ?? { id, version, elsewhere: false, removed: false, verdict: 'shown' };
}

/** Consents are kept as they are in force: one that was recorded again since is not the one that was shown. */
function withConsent(item: KeptItem, consents: readonly Row[]): KeptItem {
  const consent = consents.find(({ id }) => id === item.id);
  if (consent === undefined) return item;
  return { ...item, type: 'Consent', ...(consent.version === item.version ? { row: consent } : {}) };
}

function verdictOf({ person }: Facts, grant: Grant, { row, type, id }: KeptItem): Found['verdict'] {
  if (type === undefined) return 'shown';
  const judged = row ?? { id, type, categories: [], labels: [], codes: [], source: '' };
  if (row !== undefined && grant.permits(row)) return 'shown';
  // of a kind that may be looked at, were it the person's own
  if (!grant.permits({ ...judged, source: '', personId: grant.personIds[0] ?? '' })) return 'left-out';
  if (row === undefined) return 'shown';
  return person === 'absent' || person === 'unknown' ? 'left-out' : 'of-another-person';
}
