/** What rules of UK Core are made of: `uk-core-profiles.ts` has them by type. */

/** Whether a CodeableConcept is of a required value set. */
export type ConceptTest = (concept: unknown) => boolean;

/** A part of a complex extension. */
export interface PartRule {
  readonly min: 0 | 1;
  /** `valueString`: the value is one of these members */
  readonly values: readonly string[];
}

/** An extension as its definition has it, where a profile names it. */
export interface ExtensionRule {
  readonly url: string;
  /** at most one in the place */
  readonly once: boolean;
  /** members of `value[x]` that it may have: exactly one; none for a complex extension */
  readonly values?: readonly string[];
  /** parts by url, each at most once; others are allowed */
  readonly parts?: Readonly<Record<string, PartRule>>;
  /** parts hold a value and no extensions of their own */
  readonly plainParts?: boolean;
  readonly concept?: ConceptTest;
}

/** Business identifiers of one system: at most one, with a value. */
export interface IdentifierRule {
  readonly system: string;
  readonly extensions?: readonly ExtensionRule[];
}

export interface ProfileRules {
  /** elements that must be there, by path; of a nested one every element around it has it */
  readonly required?: readonly string[];
  readonly identifiers?: readonly IdentifierRule[];
  /** extensions by JSON path, `telecom._system.extension` */
  readonly extensions?: Readonly<Record<string, readonly ExtensionRule[]>>;
  /** required value sets of CodeableConcepts by path */
  readonly concepts?: Readonly<Record<string, ConceptTest>>;
  readonly invariants?: readonly ((resource: Readonly<Record<string, unknown>>) => boolean)[];
}

/** An extension with a value, at most once in its place. */
export function once(url: string, values: readonly string[], concept?: ConceptTest): ExtensionRule {
  return { url, once: true, values, ...(concept !== undefined && { concept }) };
}

/** An extension with a value, any number of times. */
export function many(url: string, values: readonly string[]): ExtensionRule {
  return { url, once: false, values };
}

/** An extension made of parts. */
export function complex(
  url: string,
  parts: Readonly<Record<string, PartRule>>,
  isOnce: boolean,
): ExtensionRule {
  return { url, once: isOnce, parts };
}

/** A part that is there once. */
export function must(values: readonly string[]): PartRule {
  return { min: 1, values };
}

/** A part that is there once at most. */
export function may(values: readonly string[]): PartRule {
  return { min: 0, values };
}

/** @param codes by system; the pattern of a system's codes where they are too many to list */
function requires(codes: Readonly<Record<string, readonly string[] | RegExp>>): ConceptTest {
  return (concept) => {
    const { coding } = concept as { readonly coding?: readonly { system?: string; code?: string }[] };
    return (coding ?? []).some(({ system = '', code = '' }) => {
      const allowed = Object.hasOwn(codes, system) ? codes[system] : undefined;
      return allowed instanceof RegExp ? allowed.test(code) : allowed?.includes(code) === true;
    });
  };
}

const NULL_FLAVOR = 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor';
const VERIFICATION = 'https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus';
const ONE_TO_EIGHT = ['01', '02', '03', '04', '05', '06', '07', '08'];

export const birthSex = requires({
  'http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender': ['M', 'F', 'UN'],
  [NULL_FLAVOR]: ['UNK'],
});

export const verification = requires({
  [`${VERIFICATION}England`]: ONE_TO_EIGHT,
  [`${VERIFICATION}Wales`]: ['nn', ...ONE_TO_EIGHT],
  [NULL_FLAVOR]: ['NI'],
});

/** BCP 47: well-formed tags (RFC 5646, 2.1, without grandfathered ones); the registry of subtags is not known here. */
export const language = requires({
  'urn:ietf:bcp:47':
    /^(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?(?:-(?:[a-z\d]{5,8}|\d[a-z\d]{3}))*(?:-[a-wyz\d](?:-[a-z\d]{2,8})+)*(?:-x(?:-[a-z\d]{1,8})+)?$/i,
});
