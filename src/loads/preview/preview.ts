import { rm } from 'node:fs/promises';
import type { Policy, SourcePolicy } from '../../access/policy.ts';
import { apply, applyCopies } from '../apply.ts';
import { type ColumnNote, type IdentityTally, Tally } from '../certificate.ts';
import { checkManifest, checkSignatory } from '../checks.ts';
import { type ExtractSession, type LoadContext, type LoadProgress, Rejects } from '../context.ts';
import { mappedExtract, readerOf } from '../extract-reader.ts';
import { unbundle } from '../fhir-bundle/unbundle.ts';
import { fileKind } from '../fhir-ndjson/files.ts';
import { identify } from '../identify.ts';
import { type Manifest, PURGE_TYPE, parseManifest } from '../manifest.ts';
import type { Mapping } from '../mapped-csv/mapping.ts';
import { Preparer } from '../prepare.ts';
import { Refusal, type RefusalRule } from '../refusal.ts';
import { notSharedBecause } from '../sharing.ts';
import { readManifestBytes, type StagedFile, stageFiles, stagingFolder } from '../staging.ts';
import { PreviewPatients } from './patients.ts';
import { type FaultSeen, PreviewResources } from './resources.ts';
import { RowSpill } from './rows.ts';
import { SharingCounts } from './sharing-counts.ts';

/**
 * What a source's sharing policy lets through of an extract, and what it keeps back. Counts, words of the policy and of
 * FHIR, names of files and columns, numbers of lines: no personal data.
 */
export interface Preview {
  readonly source: string;
  /** `refused`: the extract as a whole would not be taken; what was counted until then is given */
  readonly result: 'read' | 'refused';
  readonly reason?: { readonly rule: RefusalRule; readonly sentence: string };
  readonly businessDate?: string;
  readonly sequence?: number;
  readonly kind?: Manifest['kind'];
  readonly format?: Manifest['format'];
  readonly files: readonly { readonly name: string; readonly type: string; readonly rows: number }[];
  /** by FHIR type, or the table of a folder */
  readonly types: Readonly<Record<string, PreviewedType>>;
  /** rows that would be rejected, by fault, with the first lines of each */
  readonly faults: readonly FaultSeen[];
  readonly columns: readonly ColumnNote[];
  readonly patients: Omit<IdentityTally, 'newPeople'> & { readonly restricted: number };
  readonly consent: {
    readonly optOutStatements: number;
    /** people whose record nobody of the staff would see */
    readonly optedOut: number;
    readonly agreementsInForce: number;
    readonly ignored: number;
  };
  /** what this preview cannot know */
  readonly notJudged: readonly string[];
}

type Reasons = Readonly<Record<string, number>>;

export interface PreviewedType {
  readonly shared: number;
  /** by the policy's reason */
  readonly withheld: Reasons;
  /** rows that are shared without an element, by its path; in brackets what is left out whatever the policy says */
  readonly removed: Reasons;
  /** may not be held, by reason: no agreement, closed case */
  readonly notHeld: Reasons;
  /** by rule */
  readonly rejected: Reasons;
  /** of a type that is not held at all */
  readonly notServed: number;
  /** Medication and Binary to which no row that is shared refers */
  readonly unreferenced: number;
}

export interface PreviewOptions {
  readonly folder: string;
  readonly source: string;
  readonly policy: Policy;
  /** ours alone; the copy of the extract that is read from is removed again */
  readonly stagingRoot: string;
  /** milliseconds since the epoch */
  readonly now: () => number;
  /** of ids that are made and thrown away */
  readonly key: LoadContextKey;
  readonly mapping?: Mapping;
  readonly progress?: LoadProgress;
}

type LoadContextKey = ConstructorParameters<typeof Preparer>[0]['key'];

/**
 * Reads an extract as a load would, with the same parsers, mapping, checks and sharing policy, and keeps nothing: no
 * database is asked or written. Memory grows with the patients of the extract, not with its rows.
 *
 * @throws Error for a source that is not configured
 */
export async function previewExtract(options: PreviewOptions): Promise<Preview> {
  const source = options.policy.sources.get(options.source);
  if (source === undefined) throw new Error(`There is no source ${options.source} in the configuration.`);
  const seen: Seen = { tally: new Tally(), watch: new SharingCounts() };
  let refusal: Refusal | undefined;
  try {
    await read(options, source, seen);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    refusal = error;
  }
  return previewOf(source, seen, refusal);
}

/** What is known when the reading ends, be it early. */
interface Seen {
  readonly tally: Tally;
  readonly watch: SharingCounts;
  manifest?: Manifest;
  patients?: PreviewPatients;
  resources?: PreviewResources;
  optedOut?: number;
}

async function read(options: PreviewOptions, source: SourcePolicy, seen: Seen): Promise<void> {
  const manifest = parseManifest(await readManifestBytes(options.folder));
  seen.manifest = manifest;
  checkManifest(manifest, source, options.now());
  const staging = await stagingFolder(options.stagingRoot, source.code);
  const rows = new RowSpill(staging);
  const isDelta = manifest.kind === 'delta';
  const patients = new PreviewPatients(rows, staging, isDelta);
  const mayBeTargets = manifest.format === 'fhir-bundle' || mayRefer(manifest, options.mapping);
  const resources = new PreviewResources(rows, patients, staging, mayBeTargets, isDelta);
  Object.assign(seen, { patients, resources });
  try {
    const session: ExtractSession = {
      rows: async () => rows,
      patients,
      resources,
      consents: {
        stand: async (standings) => patients.stand(standings),
        optOuts: async () => {},
        restrict: async () => ({ optedOut: 0, agreementsEnded: 0, restricted: 0 }),
      },
    };
    await readAll(await contextOf(options, source, manifest, staging, session, seen), options, seen);
  } finally {
    await Promise.all([rows.close(), patients.close(), resources.close()]);
    await rm(staging, { recursive: true, force: true });
  }
}

type Reading = LoadContext & { readonly mapped: ReturnType<typeof mappedExtract> };

async function contextOf(
  options: PreviewOptions,
  source: SourcePolicy,
  manifest: Manifest,
  staging: string,
  session: ExtractSession,
  { tally, watch }: Seen,
): Promise<Reading> {
  const progress: LoadProgress = options.progress ?? (() => {});
  const staged = await stageFiles(options.folder, manifest, staging, (done) => progress('stage', done, done));
  const rejects = new Rejects(tally, session);
  const mapped = mappedExtract(source.code, options.mapping, manifest, staged);
  const files: readonly StagedFile[] =
    manifest.format === 'fhir-bundle'
      ? await unbundle(manifest, staged, staging, rejects, tally)
      : (mapped?.files ?? staged);
  const { businessDate } = manifest;
  const preparer = new Preparer({
    policy: source,
    businessDate,
    loadNo: 0,
    startedAt: options.now(),
    key: options.key,
    watch,
  });
  const { policy } = options;
  return {
    policy,
    source,
    manifest,
    files,
    session,
    preparer,
    tally,
    rejects,
    progress,
    watch,
    mapped,
  };
}

async function readAll(context: Reading, options: PreviewOptions, seen: Seen): Promise<void> {
  const { policy, source, manifest, tally, session, files } = context;
  const reader = readerOf(context, context.mapped);
  await reader.scan();
  for (const { type } of files) {
    const why = notSharedBecause(source, type, manifest.businessDate);
    // whole files of such types were counted, and not read
    if (why !== undefined && fileKind(source, type, manifest.businessDate) === 'withheld')
      seen.watch.whole(type, why);
  }
  await reader.patients();
  const harvest = await reader.consents();
  await session.consents.stand(harvest.standings);
  seen.optedOut = harvest.optOuts.filter(({ optedOut }) => optedOut).length;
  tally.consent = {
    ...tally.consent,
    optOutStatements: harvest.optOutStatements,
    agreementsInForce: harvest.standings.filter(({ agreement }) => agreement !== undefined).length,
    ignored: harvest.ignored,
  };
  checkSignatory(policy, source, manifest, undefined);
  let people = 0;
  await identify(context, () => {
    people += 1;
    return String(people);
  });
  await reader.resources();
  await apply(context);
  await applyCopies(context, reader);
  options.progress?.('map', 1, 1);
}

/** Whether rows may belong to the person of another row: then that row's id is known again. */
function mayRefer({ files }: Manifest, mapping: Mapping | undefined): boolean {
  const made = Object.values(mapping?.tables ?? {}).flatMap((table) => table.resources ?? []);
  return [...files, ...made].some(({ type }) => type === 'Provenance');
}

function previewOf(source: SourcePolicy, seen: Seen, refusal: Refusal | undefined): Preview {
  const { tally, watch, manifest, patients, resources, optedOut = 0 } = seen;
  const { newPeople: _, ...identity } = tally.identity;
  const { optOutStatements, agreementsInForce, ignored } = tally.consent;
  return {
    source: source.code,
    result: refusal === undefined ? 'read' : 'refused',
    ...(refusal !== undefined && { reason: { rule: refusal.rule, sentence: refusal.message } }),
    ...(manifest !== undefined && {
      businessDate: manifest.businessDate,
      sequence: manifest.sequence,
      kind: manifest.kind,
      format: manifest.format,
    }),
    files: (manifest?.files ?? []).map(({ name, type, rows }) => ({ name, type, rows })),
    types: watch.types(tally),
    faults: resources?.faults ?? [],
    columns: tally.columns,
    patients: { ...identity, restricted: patients?.restricted ?? 0 },
    consent: { optOutStatements, optedOut, agreementsInForce, ignored },
    notJudged: notJudged(manifest, patients?.assumed ?? 0),
  };
}

function notJudged(manifest: Manifest | undefined, assumed: number): readonly string[] {
  const said = [
    'Whether people contradict an identity that another source has established is not judged: the record is not asked.',
    'Whether the extract follows the last one, and its guards, are not judged.',
  ];
  if (manifest?.format === 'lcs-csv')
    said.push(
      'Children who were matched by hand count as unmatched here. Rows that are not in force become nothing.',
    );
  if (manifest?.kind === 'delta') {
    const purges = manifest.files.find(({ type }) => type === PURGE_TYPE)?.rows ?? 0;
    said.push(
      `Of a delta: rows about the ${assumed} patients whom it does not bring count as if these were accepted; ${purges} rows purge, and count nowhere.`,
    );
  }
  return said;
}
