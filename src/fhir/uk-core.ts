import { UK_CORE_RULES } from './uk-core-profiles.ts';
import type { ExtensionRule, ProfileRules } from './uk-core-rules.ts';

/**
 * UK Core's profiles, declared where they hold: what a resource says of itself in `meta.profile` is what it is, whatever
 * its source claims. Every row of a load passes through here.
 */

type Json = Readonly<Record<string, unknown>>;

const BASE = 'https://fhir.hl7.org.uk/StructureDefinition/UKCore-';
/** A claim of a profile of UK Core: of a type, or of one more narrow (`Observation-Lab`), with or without a version. */
const CLAIM = /^https?:\/\/fhir\.hl7\.org\.uk\/StructureDefinition\/UKCore-([A-Za-z]+)(-[^|]*)?(?:\|.*)?$/;

/** What is found at a path passes the test. */
interface Check {
  readonly path: readonly string[];
  readonly test: (found: unknown) => boolean;
}

interface Rules extends ProfileRules {
  readonly canonical: string;
  readonly checks: readonly Check[];
}

const RULES: ReadonlyMap<string, Rules> = new Map(
  Object.entries<ProfileRules>(UK_CORE_RULES).map(([type, rules]) => {
    const extensions = Object.entries(rules.extensions ?? {}).map(([path, each]): Check => {
      return { path: path.split('.'), test: (found) => conform(found, each) };
    });
    const concepts = Object.entries(rules.concepts ?? {}).map(([path, test]): Check => {
      return { path: path.split('.'), test };
    });
    return [type, { ...rules, canonical: BASE + type, checks: [...extensions, ...concepts] }];
  }),
);

/** UK Core's profile of a type; undefined where it has none that we declare. */
export function ukCoreProfileOf(type: string): string | undefined {
  return RULES.get(type)?.canonical;
}

/**
 * Whether a resource is what UK Core's profile of its type asks for beyond base R4, as far as the resource alone tells.
 *
 * @param resource valid by `validateStructure`
 */
export function conformsToUkCore(resource: object): boolean {
  const members = resource as Json;
  const rules = RULES.get(String(members['resourceType']));
  if (rules === undefined) return false;
  return (
    (rules.required ?? []).every((path) => hasRequired(members, path)) &&
    (rules.identifiers ?? []).every(({ system, extensions }) =>
      identifiesOnce(members, system, extensions),
    ) &&
    rules.checks.every((check) => passes(members, check, 0)) &&
    (rules.invariants ?? []).every((holds) => holds(members))
  );
}

/**
 * A resource that declares the UK Core profile of its type where it conforms, first of its profiles. Claims of UK Core
 * that do not hold are dropped: of that profile where it does not conform, and of profiles of other types. More narrow
 * profiles (`UKCore-Observation-Lab`) and those of others are left as claimed.
 *
 * @param resource valid by `validateStructure`
 * @returns the same resource where nothing changes
 */
export function declareUkCore<T extends object>(resource: T): T {
  const { resourceType, meta } = resource as { readonly resourceType?: string; readonly meta?: Json };
  const { profile, security, tag, ...first } = meta ?? {};
  const claimed = Array.isArray(profile) ? (profile as readonly string[]) : [];
  const conforms = conformsToUkCore(resource);
  const held = claimed.filter((claim) => mayHold(claim, String(resourceType), conforms));
  const canonical = conforms ? ukCoreProfileOf(String(resourceType)) : undefined;
  const declared = canonical === undefined ? held : [canonical, ...held.filter((each) => each !== canonical)];
  if (declared.length === claimed.length && declared.every((each, index) => each === claimed[index])) {
    return resource;
  }
  const changed = {
    ...first,
    ...(declared.length > 0 && { profile: declared }),
    ...(security !== undefined && { security }),
    ...(tag !== undefined && { tag }),
  };
  return { ...resource, meta: changed };
}

function mayHold(claim: string, type: string, conforms: boolean): boolean {
  const match = CLAIM.exec(claim);
  if (match === null) return true;
  const [, claimedType, narrower] = match;
  return claimedType === type && (narrower !== undefined || conforms);
}

/** Of `identifier.system`: every identifier has a system; there need not be any. */
function hasRequired(resource: Json, path: string): boolean {
  const dot = path.indexOf('.');
  if (dot < 0) return has(resource, path);
  const inner = path.slice(dot + 1);
  return listOf(resource[path.slice(0, dot)]).every((each) => has(each, inner));
}

/** A primitive may be given by its extensions alone. */
function has(object: Json, name: string): boolean {
  return object[name] !== undefined || object[`_${name}`] !== undefined;
}

function identifiesOnce(
  { identifier }: Json,
  system: string,
  extensions: readonly ExtensionRule[] | undefined,
): boolean {
  let seen = 0;
  for (const each of listOf(identifier)) {
    if (each['system'] !== system) continue;
    seen++;
    if (seen > 1 || !has(each, 'value')) return false;
    if (extensions !== undefined && !conform(each['extension'], extensions)) return false;
  }
  return true;
}

/** What is not there passes. */
function passes(value: unknown, check: Check, from: number): boolean {
  if (value === undefined || value === null) return true;
  const { path, test } = check;
  const name = path[from];
  if (name === undefined) {
    // extensions are judged together, concepts one by one
    return Array.isArray(value) && path[from - 1] !== 'extension' ? value.every(test) : test(value);
  }
  if (Array.isArray(value)) return value.every((each) => passes(each, check, from));
  return typeof value !== 'object' || passes((value as Json)[name], check, from + 1);
}

function conform(extensions: unknown, rules: readonly ExtensionRule[]): boolean {
  const list = listOf(extensions);
  if (list.length === 0) return true;
  return rules.every((rule) => {
    const found = list.filter((each) => each['url'] === rule.url);
    return (found.length < 2 || !rule.once) && found.every((each) => isAsDefined(each, rule));
  });
}

function isAsDefined(extension: Json, { values, parts, plainParts, concept }: ExtensionRule): boolean {
  if (values !== undefined) {
    return hasValue(extension, values) && (concept?.(extension['valueCodeableConcept']) ?? true);
  }
  if (parts === undefined) return true;
  if (valueMember(extension) !== undefined) return false;
  const given = listOf(extension['extension']);
  return Object.entries(parts).every(([url, { min, values: allowed }]) => {
    const found = given.filter((each) => each['url'] === url);
    if (found.length < min || found.length > 1) return false;
    return found.every(
      (each) => hasValue(each, allowed) && (plainParts !== true || each['extension'] === undefined),
    );
  });
}

function hasValue(extension: Json, members: readonly string[]): boolean {
  const member = valueMember(extension);
  return member !== undefined && members.includes(member);
}

/** `valueString` for `_valueString` too. */
function valueMember(extension: Json): string | undefined {
  const member = Object.keys(extension).find((name) => name.startsWith('value') || name.startsWith('_value'));
  return member?.startsWith('_') === true ? member.slice(1) : member;
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}
