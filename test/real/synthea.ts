import { join } from 'node:path';
import { isServed, served } from '../../src/fhir/served.ts';
import type { Extract } from './extract.ts';
import { listOf, type NhsNumbers, verifiedNumber } from './people.ts';
import { type Json, readBundles } from './shared-data.ts';
import { encounterKinds, PARTNERS, type Partner, partnerOf } from './synthea-partners.ts';

/** What was made of Synthea's Bundles. */
export interface SyntheaCounts {
  readonly people: number;
  /** resources of types that are not served, by type */
  readonly dropped: Readonly<Record<string, number>>;
}

interface Entry {
  readonly fullUrl: string;
  readonly resource: Json & { readonly resourceType: string; readonly id: string };
}

/**
 * Turns Synthea's transaction Bundles into extracts: a valid NHS number for everyone, references as `Type/id`, each
 * person's resources divided among the partners by kind, and with them the person's Patient and the directory entries
 * that they refer to.
 */
export function addSynthea(
  data: string,
  extracts: Readonly<Record<Partner, Extract>>,
  numbers: NhsNumbers,
): SyntheaCounts {
  const directory = new Map<string, Json>();
  const dropped: Record<string, number> = {};
  let people = 0;
  for (const folder of ['synthea-2019', 'synthea-2021']) {
    const bundles = [...readBundles(join(data, folder))].map(([name, bundle]) => ({
      name,
      entries: entriesOf(bundle),
    }));
    const conditional = conditionalNames(bundles.flatMap(({ entries }) => entries));
    for (const { name, entries } of bundles) {
      const literals = new Map(entries.map(({ fullUrl, resource }) => [fullUrl, nameOf(resource)]));
      const resources = entries.map(({ resource }) => withReferences(resource, literals, conditional));
      // the Bundles of 2019 bring their own copies, which differ in how often each was visited
      for (const entry of resources.filter(isDirectory)) {
        if (!directory.has(nameOf(entry))) directory.set(nameOf(entry), entry);
      }
      const own = resources.filter((resource) => !isDirectory(resource));
      if (own.length === 0) continue;
      people += 1;
      divide(own, `${folder}/${name}`, extracts, numbers.next(), dropped);
    }
  }
  for (const partner of PARTNERS) addReferred(extracts[partner], directory);
  return { people, dropped };
}

function entriesOf(bundle: Json): readonly Entry[] {
  return listOf(bundle['entry']).map((entry) => {
    const resource = entry['resource'] as Entry['resource'];
    return { fullUrl: String(entry['fullUrl'] ?? nameOf(resource)), resource };
  });
}

/** What answers to `Type?identifier=system|value`. */
function conditionalNames(entries: readonly Entry[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { resource } of entries.filter((entry) => isDirectory(entry.resource))) {
    for (const { system, value } of listOf(resource['identifier'])) {
      names.set(`${resource.resourceType}?identifier=${system}|${value}`, nameOf(resource));
    }
  }
  return names;
}

function divide(
  resources: readonly Entry['resource'][],
  from: string,
  extracts: Readonly<Record<Partner, Extract>>,
  nhsNumber: string,
  dropped: Record<string, number>,
): void {
  const kinds = encounterKinds(resources);
  const knownTo = new Set<Partner>();
  for (const resource of resources) {
    const { resourceType: type } = resource;
    if (type === 'Patient') continue;
    if (!isServed(type)) {
      dropped[type] = (dropped[type] ?? 0) + 1;
      continue;
    }
    const partner = partnerOf(resource, kinds);
    knownTo.add(partner);
    const owner = served(type).keeping === 'referenced' ? {} : { nhsNumber };
    extracts[partner].add(resource, { from, fate: 'shown', ...owner });
  }
  const patient = resources.find(({ resourceType }) => resourceType === 'Patient');
  if (patient === undefined) throw new Error(`${from} has no Patient.`);
  const identifier = [verifiedNumber(nhsNumber), ...listOf(patient['identifier'])];
  for (const partner of knownTo)
    extracts[partner].add({ ...patient, identifier }, { from, fate: 'shown', nhsNumber });
}

/** A partner's extract holds its own copy of each directory entry that its rows refer to, directly or through another. */
function addReferred(extract: Extract, directory: ReadonlyMap<string, Json>): void {
  const added = new Set<string>();
  const pending = extract.rows.map((row) => JSON.stringify(row.resource));
  for (let text = pending.pop(); text !== undefined; text = pending.pop()) {
    for (const [, literal = ''] of text.matchAll(/"reference":"([A-Za-z]+\/[A-Za-z0-9\-.]+)"/g)) {
      const resource = directory.get(literal);
      if (resource === undefined || added.has(literal)) continue;
      added.add(literal);
      extract.add(resource, { from: 'synthea', fate: 'shown' });
      pending.push(JSON.stringify(resource));
    }
  }
}

function withReferences(
  resource: Entry['resource'],
  literals: ReadonlyMap<string, string>,
  conditional: ReadonlyMap<string, string>,
): Entry['resource'] {
  const text = JSON.stringify(resource).replaceAll(/"reference":"([^"#]+)"/g, (_whole, literal: string) => {
    const target = literals.get(literal) ?? conditional.get(literal);
    if (target === undefined) throw new Error(`Nothing answers to the reference ${literal}.`);
    return `"reference":"${target}"`;
  });
  return JSON.parse(text);
}

function isDirectory({ resourceType: type }: Entry['resource']): boolean {
  return isServed(type) && served(type).keeping === 'directory';
}

function nameOf(resource: Entry['resource']): string {
  return `${resource.resourceType}/${resource.id}`;
}
