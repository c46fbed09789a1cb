import { createHash, createHmac } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { SourcePolicy } from '../access/policy.ts';
import { sameIdentity } from '../identity/demographics.ts';
import { apply, applyCopies } from './apply.ts';
import type { Certificate } from './certificate.ts';
import {
  checkAgainstHistory,
  checkDeltaPeople,
  checkManifest,
  checkSignatory,
  typesKnown,
} from './checks.ts';
import { type ExtractReader, type LoadContext, Rejects } from './context.ts';
import { mappedExtract, readerOf } from './extract-reader.ts';
import { unbundle } from './fhir-bundle/unbundle.ts';
import { findingsToRelease, guardLoad, keepHeld } from './hold.ts';
import { identify, judge } from './identify.ts';
import { parseManifest } from './manifest.ts';
import type { LoadOptions } from './options.ts';
import type { LoadSession } from './ports.ts';
import { Preparer } from './prepare.ts';
import { LoadReport } from './report.ts';
import { readManifestBytes, stageFiles, stagingFolder } from './staging.ts';

/**
 * One extract of one source, from its folder to publication (DESIGN 7). Readers see the record as it was until the
 * last step, and all of the load from then on. What restricts takes effect earlier, as soon as the extract is proven
 * whole, and stays even where the load is refused or fails.
 *
 * @returns the certificate of a load that was published, held, refused, or found to have been published before
 * @throws LoadFailed when storage, the audit log or this program failed
 */
export async function runLoad(options: LoadOptions): Promise<Certificate> {
  const source = options.policy.sources.get(options.source);
  if (source === undefined) throw new Error(`There is no source ${options.source} in the configuration.`);
  const report = new LoadReport(options, source);
  let session: LoadSession | undefined;
  try {
    session = await report.phase('open', () => open(options, source));
    report.opened(session);
    return await load(options, source, session, report);
  } catch (error) {
    return await report.ended(error);
  } finally {
    await session?.close();
  }
}

async function load(
  options: LoadOptions,
  source: SourcePolicy,
  session: LoadSession,
  report: LoadReport,
): Promise<Certificate> {
  const bytes = await readManifestBytes(options.folder);
  const manifest = parseManifest(bytes);
  const manifestHash = createHash('sha256').update(bytes).digest();
  report.described(manifest, manifestHash);
  checkManifest(manifest, source, options.now());
  const release = await findingsToRelease(session, options.releases, manifestHash);
  const sameAs = await session.publishedAs(manifestHash);
  const startedAt = options.now();
  const { businessDate, sequence, kind, format } = manifest;
  const last = await session.lastPublished();
  const fileTypes = typesKnown(manifest, last);
  const loadNo = await session.begin({
    businessDate,
    sequence,
    kind,
    format,
    manifestHash,
    fileTypes,
    startedAt,
    ...(options.releases !== undefined && { releases: options.releases }),
  });
  report.begun(loadNo);
  if (sameAs !== undefined) return report.duplicate(sameAs);
  checkAgainstHistory(manifest, last);

  const staging = await stagingFolder(options.stagingRoot, source.code);
  try {
    const staged = await report.phase('stage', () =>
      stageFiles(options.folder, manifest, staging, (done) => report.progress('stage', done, done)),
    );
    const preparer = new Preparer({
      policy: source,
      businessDate,
      loadNo,
      startedAt,
      key: options.resourceKey,
    });
    const { tally } = report;
    const rejects = new Rejects(tally, session);
    const { policy } = options;
    const { progress } = report;
    const unbundled =
      format === 'fhir-bundle'
        ? await report.phase('unbundle', () => unbundle(manifest, staged, staging, rejects, tally))
        : staged;
    const mapped = mappedExtract(source.code, options.mapping, manifest, staged);
    const context = {
      policy,
      source,
      manifest,
      files: mapped?.files ?? unbundled,
      session,
      preparer,
      tally,
      rejects,
      progress,
    };
    const reader = readerOf(context, mapped);

    await report.phase('scan', () => reader.scan());
    await report.phase('patients', () => reader.patients());
    const wholeConsents =
      kind === 'full' && (last?.fileTypes ?? []).every((type) => fileTypes.includes(type));
    await restrict(context, reader, wholeConsents, report);
    checkSignatory(policy, source, manifest, last);
    await report.phase('identify', () => identify(context, options.newPersonId));
    checkDeltaPeople(
      await report.phase('compare', () => session.resources.compare(reader.comparedBy, reader.patientFile)),
    );
    await report.phase('map', () => reader.resources());
    await report.phase('apply', () => apply(context));
    await report.phase('copies', () => applyCopies(context, reader));
    tally.countAll('unchanged', await session.resources.unchanged());
    if (await report.phase('guard', () => guardLoad(context, options.guards, last !== undefined, release))) {
      await keepHeld(options.heldRoot, loadNo, bytes, staged);
      return await report.held();
    }
    await options.audit(report.event('published'));
    return await report.published(() =>
      session.publish(
        (contribution) => judge(context, contribution),
        sameIdentity,
        (p) => report.certificateText(p),
      ),
    );
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

function open(options: LoadOptions, source: SourcePolicy): Promise<LoadSession> {
  const { number, code, sector } = source;
  // of the key nothing may be learned from its fingerprint
  const fingerprint = createHmac('sha256', options.resourceKey).update('fingerprint').digest('hex');
  return options.store.open({ number, code, sector }, fingerprint);
}

/** What restricts, ahead of everything that may still refuse the extract. */
async function restrict(
  context: LoadContext,
  reader: ExtractReader,
  isComplete: boolean,
  report: LoadReport,
): Promise<void> {
  const { session, tally } = context;
  const harvest = await report.phase('consents', async () => {
    const read = await reader.consents();
    await session.consents.stand(read.standings);
    await session.consents.optOuts(read.optOuts, read.limitedOptOuts);
    return read;
  });
  const agreementsInForce = harvest.standings.filter((standing) => standing.agreement !== undefined).length;
  const { optOutStatements, ignored } = harvest;
  await report.phase('restrict', async () => {
    const counts = await session.consents.restrict(harvest.agreementsWhole && isComplete, (found) =>
      report.restricting(found),
    );
    tally.consent = { ...counts, optOutStatements, agreementsInForce, ignored };
  });
}
