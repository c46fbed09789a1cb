import type { Ask } from '../access/ask.ts';
import type { Grant } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import { typesBrought } from '../fhir/search/results.ts';
import { SERVED_NAMES, type ServedTypeName, served } from '../fhir/served.ts';
import { consentRow } from './consent.ts';
import { directoryRows } from './directories.ts';
import { shownAs } from './merged.ts';
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

/** Whether a row is about others of the record, and seen with one of them alone. */
export function isOfTargets({ type }: Pick<Row, 'type'>): boolean {
  return type === 'Provenance';
}

const NEVER = new AbortController().signal;

/** Texts enough for any page. */
const ALL_TEXTS = 1_000_000;

/** Types of a whole record. */
export const EVERYTHING: readonly ServedTypeName[] = SERVED_NAMES.filter((type) => {
  const { keeping } = served(type);
  return keeping === 'person' || keeping === 'clinical' || type === 'Medication' || type === 'Consent';
});

/** Types of a record as it was. A consent is kept as it is in force, and not as it was. */
export const PAST: readonly ServedTypeName[] = EVERYTHING.filter((type) => type !== 'Consent');

/** Types that a Provenance may be about, as far as it is seen with them. */
const TARGETS = PAST;

export function isWholeRecord({ interaction }: Ask): boolean {
  return interaction === 'everything' || interaction === 'summary' || interaction === 'as-at';
}

/** The types an answer depends on: asked for, looked into, brought along. Its completeness is stated for all of them. */
export function askedTypes(ask: Ask): readonly ServedTypeName[] {
  if (ask.interaction === 'as-at') return PAST;
  if (isWholeRecord(ask)) return EVERYTHING;
  return [ask.type, ...(ask.looksInto ?? []), ...(ask.results?.includes.flatMap(typesBrought) ?? [])];
}

/** Types of the person's rows that are looked at: those, and what refers to them. */
function neededTypes(ask: Ask): readonly ServedTypeName[] {
  const types = new Set(askedTypes(ask));
  for (const type of [...types]) for (const referrer of REFERRERS[type] ?? []) types.add(referrer);
  if (types.has('Provenance')) for (const type of TARGETS) types.add(type);
  return [...types].filter((type) => served(type).keeping !== 'directory');
}

/** Loaded extracts and live sources side by side under one deadline; each failure is data. */
export async function gather(ports: DisclosePorts, grant: Grant, facts: Facts, ask: Ask): Promise<Gathered> {
  if (served(ask.type).keeping === 'directory')
    return { rows: await directoryRows(ports, grant, ask, facts.now), failures: [], waited: false };
  const types = neededTypes(ask);
  // nobody but the store knows what was
  const sources = ask.asAt === undefined ? ports.sources : [];
  // the store has limits of its own; a signal is made where somebody else is waited for
  const signal = sources.length === 0 ? NEVER : AbortSignal.timeout(ports.deadline);
  const wanted = wantedOf(grant, ask, types);
  const [stored, consents, ...live] = await Promise.all([
    ports.store.fetch(grant, wanted, signal),
    types.includes('Consent') ? consentRows(ports, grant, facts, ask) : [],
    ...sources.map((source) => source.fetch(grant, wanted, signal)),
  ]);
  const fetched = [stored, ...live];
  return {
    rows: [...fetched.flatMap((answer) => (answer.ok ? answer.rows : [])), ...consents].map((row) =>
      shownAs(grant, row),
    ),
    failures: fetched.filter((answer) => !answer.ok),
    waited: live.length > 0 || types.includes('Consent'),
    ...(stored.ok && stored.epoch !== undefined ? { epoch: stored.epoch } : {}),
  };
}

/** Whoever is as unknown without a look at their rows costs the same statements as whoever is found by one. */
export async function gatherNothing(ports: DisclosePorts, ask: Ask): Promise<void> {
  if (served(ask.type).keeping === 'directory' || ask.asAt !== undefined) return;
  await ports.store.nobody(wantedOf(NO_ELEMENTS, ask, neededTypes(ask)));
}

const NO_ELEMENTS = { hidesElements: (): boolean => false };

function wantedOf(grant: Pick<Grant, 'hidesElements'>, ask: Ask, types: readonly ServedTypeName[]): Wanted {
  const ids = ask.id !== undefined ? [ask.id] : ask.ids;
  // what is looked into or comes along may be of the type asked for, under other ids
  const alone = types.length === 1 && !leadsOn(ask);
  const byId = ids !== undefined && served(ask.type).keeping === 'clinical' && alone;
  const lines = !byId && isLookedInto(ask);
  // Patient is made of all its contributions, and a Medication is shown by what refers to it
  const lookedInto = new Set<ServedTypeName>(['Patient', ...types.flatMap((type) => REFERRERS[type] ?? [])]);
  // and a Provenance by what it is about
  if (types.includes('Provenance')) lookedInto.add('Provenance');
  // a row that is shown without some elements is found by what is left of its text
  if (lines) for (const type of types) if (grant.hidesElements(type)) lookedInto.add(type);
  return {
    types,
    ...(byId ? { ids } : {}),
    lines,
    bodies: byId || REFERRERS[ask.type] !== undefined ? ALL_TEXTS : pageTexts(ask),
    continued: ask.after !== undefined,
    past: ask.asAt !== undefined,
    lookedInto: [...lookedInto],
  };
}

function pageTexts(ask: Ask): number {
  if (ask.interaction === 'summary') return ALL_TEXTS;
  return ask.results?.summary === 'count' ? 0 : ask.count;
}

/** Whether more is asked than to whom a row belongs: then every row is looked into. */
function isLookedInto({ criteria = [], results, part }: Ask): boolean {
  return (
    criteria.length > 0 ||
    part !== undefined ||
    (results !== undefined && results.sort.length + results.includes.length > 0)
  );
}

/** Whether the answer depends on rows beside those asked for. */
function leadsOn({ looksInto = [], results }: Ask): boolean {
  return looksInto.length > 0 || (results !== undefined && results.includes.length > 0);
}

/** Consents are rows like any other: decided on by source, label and sharing, named by an id of their own. */
async function consentRows(
  ports: DisclosePorts,
  grant: Grant,
  { policy }: Facts,
  ask: Ask,
): Promise<readonly Row[]> {
  const records = await ports.store.consents(grant);
  return records.flatMap((record) =>
    ask.type === 'Consent' && ask.id !== undefined && ask.id !== record.id ? [] : consentRow(record, policy),
  );
}
