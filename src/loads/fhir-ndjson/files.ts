import type { SourcePolicy } from '../../access/policy.ts';
import { isServed, served } from '../../fhir/served.ts';
import { PURGE_TYPE } from '../manifest.ts';
import { sharedType } from '../sharing.ts';
import type { StagedFile } from '../staging.ts';

/** What becomes of the rows of a file, by its type. */
export type FileKind =
  | 'patient'
  /** read every night, stored as consents and not as resources */
  | 'consent'
  | 'clinical'
  | 'directory'
  /** stored once per person who refers to it */
  | 'referenced'
  /** names what a delta purges */
  | 'purge'
  /** served, but not shared by this source on this day */
  | 'withheld'
  /** not served, not a source's to send, or (directory types of social care) betraying who has a social worker */
  | 'not-served';

export function fileKind(source: SourcePolicy, type: string, day: string): FileKind {
  if (type === PURGE_TYPE) return 'purge';
  if (!isServed(type)) return 'not-served';
  const { keeping } = served(type);
  if (keeping === 'own') return type === 'Consent' ? 'consent' : 'not-served';
  if (keeping === 'directory' && source.sector === 'social-care') return 'not-served';
  // identities are needed even where the Patient resource itself is not shared
  if (keeping === 'person') return 'patient';
  return sharedType(source, type, day) === undefined ? 'withheld' : keeping;
}

/** Rows of referenced types come here only to be rejected, where not even their id can be read. */
const ORDER: readonly FileKind[] = ['patient', 'directory', 'referenced', 'clinical'];

/** Files whose rows become resources, in the order in which they can be mapped: a Provenance after its targets. */
export function inMappingOrder(
  files: readonly StagedFile[],
  kindOf: (file: StagedFile) => FileKind,
): readonly StagedFile[] {
  const rank = (file: StagedFile): number =>
    file.type === 'Provenance' ? ORDER.length : ORDER.indexOf(kindOf(file));
  return files.filter((file) => ORDER.includes(kindOf(file))).sort((a, b) => rank(a) - rank(b));
}
