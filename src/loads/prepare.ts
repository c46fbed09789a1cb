import type { KeyObject } from 'node:crypto';
import type { SourcePolicy } from '../access/policy.ts';
import { categoryTokens, codeTokens, labelsThroughout } from '../fhir/codings.ts';
import { writeDecimals } from '../fhir/decimals.ts';
import { withoutElements } from '../fhir/elements.ts';
import { isRestrictedLabel } from '../fhir/labels.ts';
import { type LocalReference, rewriteReferences } from '../fhir/references.ts';
import { searchLine } from '../fhir/search/extract.ts';
import { isServed, served } from '../fhir/served.ts';
import { declareUkCore } from '../fhir/uk-core.ts';
import { resourceId } from '../identity/resource-id.ts';
import type { ReferencedCopy, StagedRow } from './records.ts';
import { relationshipsOf } from './relationships.ts';
import { keptBackBy, notSharedBecause, type SharingWatch, sharedType } from './sharing.ts';
import { withoutThirdParties } from './third-parties.ts';

/**
 * From a source's valid resource to the text that is stored: minimised to what is shared, ids and references of our
 * own, our own `meta`, UK Core declared where it holds, no narrative (DESIGN 10: partners' tags and narratives are
 * untrusted input, and a narrative repeats what the elements say). Pure, but for a cache of ids.
 */

export const SOURCE_BASE = 'https://mycarerecord.example/source/';
export const SECTOR_SYSTEM = 'https://mycarerecord.example/fhir/CodeSystem/sector';

export interface PreparationContext {
  readonly policy: SourcePolicy;
  /** `YYYY-MM-DD` */
  readonly businessDate: string;
  readonly loadNo: number;
  /** milliseconds since the epoch */
  readonly startedAt: number;
  readonly key: KeyObject;
  /** of a preview */
  readonly watch?: SharingWatch;
}

/** The person that a resource belongs to, by our id and by the source's. */
export interface Owner {
  readonly personId: string;
  readonly localId: string;
}

export interface Prepared {
  readonly row: Omit<StagedRow, 'hash' | 'file' | 'line'>;
  /** the Medications and Binaries it refers to */
  readonly references: readonly ReferencedCopy[];
}

type Json = Readonly<Record<string, unknown>>;

const KEPT_PROFILES = /^https?:\/\/(?:fhir\.hl7\.org\.uk|hl7\.org)\//;
const REPLACED = new Set(['resourceType', 'id', 'meta', 'text', 'contained']);
const MAX_CACHED_IDS = 50_000;

export class Preparer {
  readonly #context: PreparationContext;
  readonly #ids = new Map<string, string>();
  readonly #meta: Json;

  constructor(context: PreparationContext) {
    this.#context = context;
    this.#meta = {
      versionId: String(context.loadNo),
      lastUpdated: new Date(context.startedAt).toISOString(),
      source: SOURCE_BASE + context.policy.code,
    };
  }

  /** Our id of a source's resource. @param personId for types that are kept per person */
  id(type: string, sourceId: string, personId?: string): string {
    const name = `${type}\0${sourceId}\0${personId ?? ''}`;
    let id = this.#ids.get(name);
    if (id === undefined) {
      if (this.#ids.size >= MAX_CACHED_IDS) this.#ids.clear();
      const { key, policy } = this.#context;
      id = resourceId(key, policy.code, type, sourceId, personId);
      this.#ids.set(name, id);
    }
    return id;
  }

  /**
   * @param resource valid by `validateStructure`, with an id, of a type that may be stored
   * @param owner absent for directory types
   * @returns undefined when it is not shared
   */
  prepare(resource: object, owner?: Owner): Prepared | undefined {
    const { policy, businessDate, watch } = this.#context;
    const { resourceType, id: sourceId } = resource as { readonly resourceType: string; readonly id: string };
    const shared = sharedType(policy, resourceType, businessDate);
    const keptBack = shared && keptBackBy(resource, shared);
    if (shared === undefined || !isServed(resourceType) || keptBack !== undefined) {
      watch?.withheld(resourceType, keptBack ?? notSharedBecause(policy, resourceType, businessDate) ?? '');
      return undefined;
    }
    const { code, keeping } = served(resourceType);
    const copyOf = keeping === 'referenced' ? owner?.personId : undefined;
    const ours = this.id(resourceType, sourceId, copyOf);
    const published = this.#published(resource, resourceType === 'Patient' && owner ? owner.personId : ours);
    const own = withoutThirdParties(
      published,
      owner === undefined || owner.localId === '' ? undefined : owner.localId,
    );
    const minimised = withoutElements(own, shared.exceptElements ?? []);
    if (watch !== undefined) this.#watched(watch, resource, published, own, shared.exceptElements ?? []);
    const references: ReferencedCopy[] = [];
    const pointed = rewriteReferences(minimised, (reference) => {
      const target = this.#pointed(reference, owner, references);
      if (target === undefined) watch?.removed(resourceType, referenceTo(reference.type));
      return target;
    });
    // of the row as it will be stored: what is left out may be what the profile asks for
    const rewritten = declareUkCore(pointed);
    // of the row as it came: a label is not lost with a contained resource that is taken out
    const labels = labelsThroughout(resource);
    return {
      row: {
        resourceId: ours,
        ...(owner && { personId: owner.personId }),
        type: code,
        categories: categoryTokens(rewritten),
        labels,
        codes: codeTokens(rewritten),
        identifiers: keeping === 'directory' ? identifierTokens(rewritten) : [],
        // references are still the source's: they name organisations as it does
        relationships:
          // what a label hides tells nobody anything
          owner === undefined || labels.some(isRestrictedLabel)
            ? []
            : relationshipsOf(minimised, policy, businessDate),
        // a Patient is searched as the one Patient of all its contributions, which is made when it is asked for
        searchLine: keeping === 'person' ? '' : searchLine(rewritten),
        body: writeDecimals(JSON.stringify(rewritten)),
      },
      references,
    };
  }

  /** Tells what is left out of a row, whatever the policy says and by it. */
  #watched(
    watch: SharingWatch,
    resource: object,
    published: object,
    own: object,
    elements: readonly string[],
  ): void {
    const { resourceType: type, text } = resource as Json & { readonly resourceType: string };
    if (text !== undefined) watch.removed(type, 'text');
    if (own !== published) watch.removed(type, '(what names another person)');
    for (const element of elements) {
      if (withoutElements(own, [element]) !== own) watch.removed(type, element);
    }
  }

  /** With our envelope: resourceType, id and meta first, whatever their order was. */
  #published(resource: object, id: string): object {
    const { resourceType, meta, contained } = resource as Json;
    const published: Record<string, unknown> = { resourceType, id, meta: this.#envelope(meta) };
    if (Array.isArray(contained)) published['contained'] = contained.map(withoutNarrative);
    for (const name in resource) {
      // of a valid resource: there is no name but those of its elements
      if (!REPLACED.has(name)) published[name] = (resource as Json)[name];
    }
    return published;
  }

  #envelope(meta: unknown): Json {
    const theirs = typeof meta === 'object' && meta !== null ? (meta as Json) : {};
    const profiles = strings(theirs['profile']).filter((profile) => KEPT_PROFILES.test(profile));
    return {
      ...this.#meta,
      ...(profiles.length > 0 && { profile: profiles }),
      ...(Array.isArray(theirs['security']) && { security: theirs['security'] }),
      tag: [{ system: SECTOR_SYSTEM, code: this.#context.policy.sector }],
    };
  }

  /**
   * Where a reference leads in this record. Another patient is never named, even where the source names one: the
   * record of one person holds no id of another.
   */
  #pointed(reference: LocalReference, owner: Owner | undefined, found: ReferencedCopy[]): string | undefined {
    const { type, id } = reference;
    if (type === 'Patient') return owner?.localId === id ? `Patient/${owner.personId}` : undefined;
    const { policy, businessDate } = this.#context;
    if (!isServed(type) || sharedType(policy, type, businessDate) === undefined) return undefined;
    const { keeping, code } = served(type);
    if (keeping === 'own' || (keeping === 'directory' && policy.sector === 'social-care')) return undefined;
    if (keeping !== 'referenced') return `${type}/${this.id(type, id)}`;
    if (owner === undefined) return undefined;
    const copy = this.id(type, id, owner.personId);
    found.push({ type: code, localId: id, personId: owner.personId, resourceId: copy });
    return `${type}/${copy}`;
  }
}

/** A type of a source's own making is not repeated. */
function referenceTo(type: string): string {
  return isServed(type) ? `(reference to a ${type})` : '(reference to a type that is not held)';
}

function withoutNarrative(contained: unknown): unknown {
  if (typeof contained !== 'object' || contained === null) return contained;
  const { text, ...rest } = contained as Json;
  return rest;
}

function identifierTokens(resource: object): string[] {
  const { identifier } = resource as { readonly identifier?: readonly { system?: string; value?: string }[] };
  return (identifier ?? []).flatMap(({ system, value }) =>
    // searches compare codes regardless of case
    value === undefined ? [] : [`${system ?? ''}|${value.toLowerCase()}`],
  );
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
