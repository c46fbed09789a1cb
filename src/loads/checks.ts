import { isSignatory } from '../access/days.ts';
import type { Policy, SourcePolicy } from '../access/policy.ts';
import { londonDay } from '../fhir/london.ts';
import { type Manifest, PURGE_TYPE } from './manifest.ts';
import type { LastPublished } from './ports.ts';
import { Refusal } from './refusal.ts';

/** What is refused as a whole, whatever its rows say. */

/** @param now milliseconds since the epoch */
export function checkManifest(manifest: Manifest, source: SourcePolicy, now: number): void {
  if (manifest.source !== source.code) {
    throw new Refusal('wrong-source', 'The manifest is of another source than the folder was loaded for.');
  }
  if (manifest.format !== source.format) {
    throw new Refusal('wrong-format', `The source sends ${source.format}, not ${manifest.format}.`);
  }
  const isDelta = manifest.kind === 'delta';
  if (isDelta && (source.sector === 'social-care' || manifest.format === 'lcs-csv')) {
    // agreements and care are judged anew every night, from all that the source says about them
    throw new Refusal('not-full', 'A source of social care sends full extracts only.');
  }
  if (!isDelta && manifest.files.some((file) => file.type === PURGE_TYPE)) {
    throw new Refusal('manifest', `Only a delta has a file of type ${PURGE_TYPE}.`);
  }
  if (manifest.businessDate > londonDay(now)) {
    throw new Refusal('future-date', 'The business date lies in the future.');
  }
}

/**
 * An extract follows the last one: a higher sequence, and no earlier day. A delta follows it without a gap (F-46): it
 * waits with its sender until what lies between has been published.
 */
export function checkAgainstHistory(manifest: Manifest, last: LastPublished | undefined): void {
  if (last === undefined) {
    if (manifest.kind === 'full') return;
    throw new Refusal('sequence-gap', 'A delta follows a full extract, and none has been published.');
  }
  if (manifest.sequence <= last.sequence) {
    throw new Refusal(
      'sequence',
      `The extract has sequence ${manifest.sequence}; sequence ${last.sequence} has been published, from other files.`,
    );
  }
  if (manifest.kind === 'delta' && manifest.sequence > last.sequence + 1) {
    throw new Refusal(
      'sequence-gap',
      `The delta has sequence ${manifest.sequence}; ${last.sequence + 1} comes next: load that first, or a full extract.`,
    );
  }
  if (manifest.businessDate < last.businessDate) {
    throw new Refusal(
      'earlier-date',
      'The business date is earlier than that of the last published extract.',
    );
  }
}

/**
 * What no opt-out may wait for: whether the source has signed the data sharing agreement, and whether files are
 * missing. An empty type is sent as an empty file: a file that is not there is a fault, and deletes nothing.
 */
export function checkSignatory(
  policy: Policy,
  source: SourcePolicy,
  manifest: Manifest,
  last: LastPublished | undefined,
): void {
  if (!isSignatory(policy, source.organisation, manifest.businessDate)) {
    throw new Refusal(
      'not-signatory',
      'The organisation of the source has not signed the agreement for this day.',
    );
  }
  if (manifest.kind === 'delta') return;
  const missing = last?.fileTypes.find((type) => manifest.files.every((file) => file.type !== type));
  if (missing !== undefined) {
    throw new Refusal(
      'file-missing',
      `The last extract had a file of type ${missing}: an empty type is an empty file.`,
    );
  }
}

/**
 * What a delta cannot say: it makes somebody else of a patient, while another patient with the same NHS number, whose
 * rows are not in it, stays who they were. Whose rows of the two are stored is not known.
 *
 * @param people of whom that is so
 */
export function checkDeltaPeople(people: number): void {
  if (people === 0) return;
  throw new Refusal(
    'needs-full',
    `The delta changes who a patient is, of ${people} people who are other patients of the source too: send a full extract.`,
  );
}

/** Types whose files the next full extract must have. */
export function typesKnown(manifest: Manifest, last: LastPublished | undefined): readonly string[] {
  const types = manifest.files.map((file) => file.type).filter((type) => type !== PURGE_TYPE);
  return manifest.kind === 'full' ? types : [...new Set([...(last?.fileTypes ?? []), ...types])];
}
