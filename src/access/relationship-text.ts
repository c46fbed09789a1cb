import { isCalendarDay } from '../fhir/primitives.ts';

/**
 * What makes a relationship of care between an organisation and a person, as a load finds it in a row and keeps it
 * beside the row: a registration with a practice, an involvement of a team, an episode, encounter or referral that is
 * open, an appointment.
 */
export const RELATIONSHIP_KINDS = [
  'registration',
  'involvement',
  'episode',
  'encounter',
  'appointment',
  'referral',
] as const;

export type RelationshipKind = (typeof RELATIONSHIP_KINDS)[number];

/** A span of days with a beginning, both ends included, `YYYY-MM-DD`; no `to`: until a source says otherwise. */
export interface StatedRelationship {
  /** `system|code` of the organisation as a row names it, or the bare code of the organisation whose source it is */
  readonly organisation: string;
  readonly kind: RelationshipKind;
  readonly from: string;
  readonly to?: string;
}

/** As it is kept: one line, tabs between. */
export function relationshipText({ organisation, kind, from, to = '' }: StatedRelationship): string {
  return `${organisation}\t${kind}\t${from}\t${to}`;
}

/** @returns undefined for what is no such line: it is no relationship */
export function readRelationship(text: string): StatedRelationship | undefined {
  const [organisation = '', name, from = '', to = '', ...more] = text.split('\t');
  const kind = RELATIONSHIP_KINDS.find((one) => one === name);
  if (organisation === '' || kind === undefined || more.length > 0) return undefined;
  if (!isDay(from) || (to !== '' && !isDay(to))) return undefined;
  return { organisation, kind, from, ...(to === '' ? {} : { to }) };
}

/** How rows may name an organisation: by its identifier, or as the source's own. */
export function namesOf({
  system,
  code,
}: {
  readonly system: string;
  readonly code: string;
}): readonly string[] {
  return [code, `${system}|${code}`];
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const [year, month, day] = text.split('-').map(Number);
  return isCalendarDay(year ?? 0, month ?? 0, day ?? 0);
}
