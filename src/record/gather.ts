import type { Ask } from '../access/ask.ts';
import type { Grant } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import { SERVED_NAMES, type ServedTypeName, served } from '../fhir/served.ts';
import { consentResource } from './consent.ts';
import { sortKey } from './order.ts';
import type { DisclosePorts, Fetched, Row, Wanted } from './ports.ts';

/** What was brought together for one grant, before anything is left out. */
export interface Gathered {
  readonly rows: readonly Row[];
  readonly failures: readonly Extract<Fetched, { ok: false }>[];
  /** the person's consent epoch as seen with the rows */
  readonly epoch?: number;
  /** something was waited for beside the rows of the store */
  readonly waited: boolean;
}

/** Types whose rows may refer to the type, so that a referenced type is shown only with a visible referrer (S-42). */
export const REFERRERS: Readonly<Partial<Record<ServedTypeName, readonly ServedTypeName[]>>> = {
  Binary: ['DocumentReference', 'DiagnosticReport'],
  Medication: ['MedicationRequest', 'MedicationStatement'],
};

const NEVER = new AbortController().signal;

const EVERYTHING: readonly ServedTypeName[] = SERVED_NAMES.filter((type) => {
  const { keeping } = served(type);
  return keeping === 'person' || keeping === 'clinical' || type === 'Medication' || type === 'Consent';
});

/** The types an ask is about: also what its completeness is stated for. */
export function askedTypes(ask: Ask): readonly ServedTypeName[] {
  return ask.interaction === 'everything' ? EVERYTHING : [ask.type];
}

/** Loaded extracts and live sources side by side under one deadline; each failure is data. */
export async function gather(ports: DisclosePorts, grant: Grant, facts: Facts, ask: Ask): Promise<Gathered> {
  if (served(ask.type).keeping === 'directory')
    return { rows: await directoryRows(ports, grant, ask), failures: [], waited: false };
  const types = [...askedTypes(ask), ...(REFERRERS[ask.type] ?? [])];
  // the store has limits of its own; a signal is made where somebody else is waited for
  const signal = ports.sources.length === 0 ? NEVER : AbortSignal.timeout(ports.deadline);
  const wanted = wantedOf(ask, types);
  const [stored, consents, ...live] = await Promise.all([
    ports.store.fetch(grant, wanted, signal),
    types.includes('Consent') ? consentRows(ports, grant, facts, ask) : [],
    ...ports.sources.map((source) => source.fetch(grant, wanted, signal)),
  ]);
  const fetched = [stored, ...live];
  return {
    rows: [...fetched.flatMap((answer) => (answer.ok ? answer.rows : [])), ...consents],
    failures: fetched.filter((answer) => !answer.ok),
    waited: live.length > 0 || types.includes('Consent'),
    ...(stored.ok && stored.epoch !== undefined ? { epoch: stored.epoch } : {}),
  };
}

function wantedOf(ask: Ask, types: readonly ServedTypeName[]): Wanted {
  const ids = ask.id !== undefined ? [ask.id] : ask.ids;
  const byId = ids !== undefined && served(ask.type).keeping === 'clinical';
  return {
    types,
    ...(byId ? { ids } : {}),
    // a little more than the page: some rows before its end may be withheld, the rest is fetched by key
    bodies: byId || REFERRERS[ask.type] !== undefined ? 1_000_000 : Math.ceil(ask.count * 1.2) + 20,
    ...(ask.after === undefined ? {} : { afterKey: ask.after.lastKey }),
    continued: ask.after !== undefined,
    // Patient is made of all its contributions, and a Medication is shown by what refers to it
    lookedInto: ['Patient', ...types.flatMap((type) => REFERRERS[type] ?? [])],
  };
}

/** One more than the page holds, so that it is known whether there is a next one; what is withheld is not counted. */
async function directoryRows(ports: DisclosePorts, grant: Grant, ask: Ask): Promise<readonly Row[]> {
  const ids = ask.id === undefined ? ask.ids : [ask.id];
  const rows: Row[] = [];
  let afterKey = ask.after?.lastKey.slice(ask.after.lastKey.indexOf('.') + 1);
  for (;;) {
    const wanted = {
      ...(ids === undefined ? {} : { ids }),
      ...(ask.identifiers === undefined ? {} : { identifiers: ask.identifiers }),
      ...(afterKey === undefined ? {} : { afterKey }),
      limit: ask.count + 1,
    };
    const chunk = await ports.store.directory(grant, ask.type, wanted);
    rows.push(...chunk.filter((row) => grant.permits(row)));
    if (chunk.length <= ask.count || rows.length > ask.count) return rows;
    afterKey = chunk.at(-1)?.id;
  }
}

/** Consents are rows like any other: decided on by source, label and sharing, named by an id of their own. */
async function consentRows(
  ports: DisclosePorts,
  grant: Grant,
  facts: Facts,
  ask: Ask,
): Promise<readonly Row[]> {
  const records = await ports.store.consents(grant);
  return records.flatMap((record): Row[] => {
    const source = facts.policy.sources.get(record.source);
    const organisation = source && facts.policy.organisations.get(source.organisation);
    if (source === undefined || organisation === undefined) return [];
    if (ask.id !== undefined && ask.id !== record.id) return [];
    if (ask.ids !== undefined && !ask.ids.includes(record.id)) return [];
    const body = JSON.stringify(consentResource(record, organisation));
    const { id, personId } = record;
    // its version is the moment it was recorded: consents are current and unversioned
    const version = record.recordedAt;
    return [
      {
        id,
        personId,
        version,
        source: source.code,
        type: 'Consent',
        categories: [],
        labels: [],
        codes: [],
        body,
      },
    ];
  });
}

/** Rows after the page's beginning, in order. */
export function fromPageStart<T extends Row>(rows: readonly T[], ask: Ask): readonly T[] {
  const { after } = ask;
  return after === undefined ? rows : rows.filter((row) => sortKey(row.type, row.id) > after.lastKey);
}
