import type { Patient } from '@medplum/fhirtypes';
import type { Policy } from '../access/policy.ts';
import { elementsNotShared } from '../access/rules/sharing.ts';
import { type SealedResource, textDigest } from '../audit/manifest.ts';
import type { ServedTypeName } from '../fhir/served.ts';
import type { Part } from '../fhir/subset.ts';
import { partOf } from './composition.ts';
import { aboutInstead, replacedBy } from './merged.ts';
import { aggregatePatient, type Contribution } from './patient.ts';
import type { KeptItem, Row } from './ports.ts';
import { leaveOut } from './redact.ts';
import type { View } from './view.ts';

/** How things stood when an answer was made, as its event tells. */
export interface Then {
  /** salt of the event: digests are made with it */
  readonly salt: Uint8Array;
  /** the person it is about, under the id that went then; absent: nobody */
  readonly personId?: string;
  readonly policy: Policy;
  /** whether that is the policy that decided */
  readonly policyKept: boolean;
  /** what each source had published */
  readonly view: View;
  /** which part of each resource was asked for; absent: the whole */
  readonly part?: Part;
  /** of a read: `Type/id` */
  readonly resource?: string;
}

/** Why something is not there, or is not proven. */
export type Reason =
  | 'differs'
  | 'erased'
  | 'history-removed'
  | 'not-kept'
  | 'of-another-person'
  | 'consent-replaced'
  | 'policy-not-kept'
  | 'computed'
  | 'audit-event'
  | 'log-altered';

/** What is still there of a row, and whether it may be looked at. */
export type Found = KeptItem & {
  /** `left-out`: the token or the role does not include it, and nothing is said of it */
  readonly verdict: 'shown' | 'left-out' | 'of-another-person';
};

/** One resource of an answer, built again. */
export type Rebuilt =
  | {
      /** `proven`: byte for byte what was sent. `rebuilt`: by what was recorded then, without that proof */
      readonly state: 'proven' | 'rebuilt';
      readonly why?: Reason;
      readonly reference: string;
      readonly type: ServedTypeName;
      readonly id: string;
      readonly text: string;
      readonly madeOf: readonly Row[];
    }
  | { readonly state: 'not-available'; readonly why: Reason; readonly reference: string };

/**
 * A resource as it was released: the stored texts of its versions, without what was not shared then, about whom they were
 * shown to be, joined into the one Patient, and as much of it as was asked for. The sealed digest says whether that is what
 * was sent. Without a digest, or with another one, it is shown only where the policy is known that left elements out.
 *
 * @returns undefined for what the officer's role or token does not include
 */
export function rebuild(
  { digest }: Pick<SealedResource, 'digest'>,
  found: readonly Found[],
  then: Then,
): Rebuilt | undefined {
  if (found.some(({ verdict }) => verdict === 'left-out')) return undefined;
  const reference = referenceOf(found, then);
  const lack = found.map(lackOf).find((reason) => reason !== undefined);
  if (lack !== undefined) return { state: 'not-available', why: lack, reference };
  const rows = found.flatMap(({ row }) => row ?? []);
  const made = rows.length === 0 ? replaced(then) : madeOf(rows, then);
  if (made === undefined) {
    const why = rows.length === 0 ? 'computed' : 'policy-not-kept';
    return { state: 'not-available', why, reference };
  }
  const { type, id } = made;
  const texts = then.part === undefined ? [made.text] : [partOf(made.text, then.part), made.text];
  const proven = digest && texts.find((candidate) => textDigest(then.salt, candidate).equals(digest));
  if (proven !== undefined) return { state: 'proven', reference, type, id, text: proven, madeOf: rows };
  if (!then.policyKept) return { state: 'not-available', why: 'policy-not-kept', reference };
  const [text = ''] = texts;
  const unlike = digest === undefined ? {} : { why: 'differs' as const };
  return { state: 'rebuilt', ...unlike, reference, type, id, text, madeOf: rows };
}

/** Of manifests without digests: the contributions to a Patient are together one resource, and each other row is one. */
export function asResources(found: readonly Found[]): readonly (readonly Found[])[] {
  const contributions = found.filter(({ type }) => type === 'Patient');
  const others = found.filter(({ type }) => type !== 'Patient').map((one) => [one]);
  return contributions.length === 0 ? others : [contributions, ...others];
}

function lackOf({ verdict, elsewhere, removed, row, type }: Found): Reason | undefined {
  if (verdict === 'of-another-person' || elsewhere) return 'of-another-person';
  if (row?.body !== undefined) return undefined;
  if (row !== undefined) return 'erased';
  if (removed) return 'history-removed';
  return type === 'Consent' ? 'consent-replaced' : 'not-kept';
}

function referenceOf([first]: readonly Found[], { personId, resource }: Then): string {
  if (first === undefined) return resource ?? 'unknown';
  const { type, id, version } = first;
  if (type === undefined) return `urn:uuid:${id}`;
  if (type === 'Patient') return `Patient/${personId ?? id}`;
  return type === 'Consent' ? `Consent/${id}` : `${type}/${id}/_history/${version}`;
}

interface Made {
  readonly type: ServedTypeName;
  readonly id: string;
  readonly text: string;
}

function madeOf(rows: readonly Row[], then: Then): Made | undefined {
  const [first] = rows;
  if (first === undefined) return undefined;
  if (first.type !== 'Patient') return { type: first.type, id: first.id, text: asShown(first, then) };
  const { personId, policy, view } = then;
  if (personId === undefined) return undefined;
  const contributions = rows.flatMap((row): Contribution[] => {
    const source = policy.sources.get(row.source);
    const state = view.find((each) => each.source === row.source);
    if (source === undefined || state === undefined) return [];
    return [{ source, row, patient: JSON.parse(asShown(row, then)) as Patient, asOf: state.businessDate }];
  });
  if (contributions.length < rows.length) return undefined;
  const text = JSON.stringify(aggregatePatient(personId, contributions));
  return { type: 'Patient', id: personId, text };
}

/** A stored text as it was on its way out: about whom it was shown to be, without what its source did not share. */
function asShown({ body = '', personId, source, type }: Row, then: Then): string {
  const merged = then.personId !== undefined && personId !== '' && personId !== then.personId;
  const text = merged ? aboutInstead(body, personId, then.personId) : body;
  return leaveOut(text, elementsNotShared(then.policy, source, type));
}

/** What is made of no row: what stands under the id of a person who was merged away. */
function replaced({ resource = '', personId }: Then): Made | undefined {
  const [, id] = /^Patient\/([0-9a-f-]{36})$/.exec(resource) ?? [];
  if (id === undefined || personId === undefined || id === personId) return undefined;
  return { type: 'Patient', id, text: JSON.stringify(replacedBy(id, personId)) };
}
