import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import type { SourcePolicy } from './access/policy.ts';
import { schemaFaults } from './config-schema-faults.ts';
import { mappingFaults } from './loads/mapped-csv/faults.ts';
import type { Mapping } from './loads/mapped-csv/mapping.ts';
import { MAPPING_SCHEMA } from './loads/mapped-csv/schema.ts';

const validate = new Ajv({ allErrors: true, allowUnionTypes: true, strict: false }).compile(MAPPING_SCHEMA);

export interface MappingReading {
  /** by the code of the source */
  readonly mappings: ReadonlyMap<string, Mapping>;
  readonly faults: readonly string[];
}

/**
 * Reads the mapping files that sources of plain CSV name.
 *
 * @param place of a path as the configuration gives it
 * @returns every fault of every file, each with the source's place in the configuration and its own in the file
 */
export function readMappings(
  sources: readonly SourcePolicy[],
  place: (path: string) => string,
): MappingReading {
  const mappings = new Map<string, Mapping>();
  const faults: string[] = [];
  for (const [index, { code, format, mapping: path }] of sources.entries()) {
    const at = `/sources/${index}/mapping`;
    if (format !== 'mapped-csv') {
      if (path !== undefined) faults.push(`${at}: a source of ${format} has no mapping`);
      continue;
    }
    if (path === undefined) {
      faults.push(`${at}: a source of mapped-csv needs the file of its mapping`);
      continue;
    }
    const { mapping, faults: found } = readMapping(place(path));
    faults.push(...found.map((fault) => `${at}, ${path}: ${fault}`));
    if (mapping !== undefined) mappings.set(code, mapping);
  }
  return { mappings, faults };
}

function readMapping(file: string): { readonly mapping?: Mapping; readonly faults: readonly string[] } {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return { faults: [error instanceof SyntaxError ? 'is not JSON' : 'cannot be read'] };
  }
  if (!validate(content)) return { faults: schemaFaults(validate.errors ?? []) };
  // its shape is what the schema has checked
  const mapping = content as Mapping;
  const faults = mappingFaults(mapping);
  return faults.length > 0 ? { faults } : { mapping, faults };
}
