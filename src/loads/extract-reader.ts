import { createHash } from 'node:crypto';
import type { SourcePolicy } from '../access/policy.ts';
import type { ExtractReader, LoadContext } from './context.ts';
import { FHIR_MAPPER_VERSION, FhirReader } from './fhir-ndjson/reader.ts';
import { LCS_MAPPER_VERSION, LcsReader } from './lcs/reader.ts';
import type { Manifest } from './manifest.ts';
import { MAPPED_MAPPER_VERSION, MappedExtract } from './mapped-csv/extract.ts';
import type { Mapping } from './mapped-csv/mapping.ts';
import type { StagedFile } from './staging.ts';

/** Which format's reader reads an extract: the same for a load and for a preview. */

/** Of plain CSV: the lines of FHIR that its mapping makes take the place of the files. */
export function mappedExtract(
  source: string,
  mapping: Mapping | undefined,
  manifest: Manifest,
  staged: readonly StagedFile[],
): MappedExtract | undefined {
  if (manifest.format !== 'mapped-csv') return undefined;
  if (mapping === undefined) throw new Error(`The source ${source} has no mapping.`);
  return new MappedExtract(mapping, staged);
}

/** The reader of an extract of the manifest’s format. */
export function readerOf(context: LoadContext, mapped: MappedExtract | undefined): ExtractReader {
  if (mapped !== undefined)
    return new FhirReader(context, versionSalt(context.source, MAPPED_MAPPER_VERSION), mapped);
  return context.manifest.format === 'lcs-csv'
    ? new LcsReader(context, versionSalt(context.source, LCS_MAPPER_VERSION))
    : new FhirReader(context, versionSalt(context.source, FHIR_MAPPER_VERSION));
}

/** Whatever decides what is stored of a row, beside the row itself. */
function versionSalt(source: SourcePolicy, mapper: string): Buffer {
  const { code, sector, organisation, shares } = source;
  return createHash('sha256')
    .update(JSON.stringify([mapper, code, sector, organisation, shares]))
    .digest();
}
