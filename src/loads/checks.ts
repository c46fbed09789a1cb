import { isSignatory } from '../access/days.ts';
import type { Policy, SourcePolicy } from '../access/policy.ts';
import { londonDay } from '../fhir/london.ts';
import type { Manifest } from './manifest.ts';
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
  if (manifest.businessDate > londonDay(now)) {
    throw new Refusal('future-date', 'The business date lies in the future.');
  }
}

/** An extract follows the last one: a higher sequence, and no earlier day. */
export function checkAgainstHistory(manifest: Manifest, last: LastPublished | undefined): void {
  if (last === undefined) return;
  if (manifest.sequence <= last.sequence) {
    throw new Refusal(
      'sequence',
      `The extract has sequence ${manifest.sequence}; sequence ${last.sequence} has been published, from other files.`,
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
  day: string,
  fileTypes: readonly string[],
  last: LastPublished | undefined,
): void {
  if (!isSignatory(policy, source.organisation, day)) {
    throw new Refusal(
      'not-signatory',
      'The organisation of the source has not signed the agreement for this day.',
    );
  }
  const missing = last?.fileTypes.find((type) => !fileTypes.includes(type));
  if (missing !== undefined) {
    throw new Refusal(
      'file-missing',
      `The last extract had a file of type ${missing}: an empty type is an empty file.`,
    );
  }
}
