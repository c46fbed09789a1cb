import { ADOPTION_PLACEMENTS } from './never.ts';

/**
 * Where a looked after child lives, in words that point to no place and to nobody: the kinds of the SSDA903 return
 * brought down to a few (CodeSystem social-care-placement).
 */
const KINDS = {
  foster: { code: 'foster-care', display: 'Foster care' },
  residential: { code: 'residential', display: 'Residential placement' },
  parents: { code: 'with-parents', display: 'Placed with parents' },
  independent: { code: 'independent-living', display: 'Independent or supported living' },
  temporary: { code: 'temporary', display: 'Temporary placement' },
  other: { code: 'other', display: 'Other placement' },
} as const;

const BY_CODE: Readonly<Record<string, keyof typeof KINDS>> = {
  H5: 'independent',
  K1: 'residential',
  K2: 'residential',
  P1: 'parents',
  P2: 'independent',
  R1: 'residential',
  R2: 'residential',
  R3: 'residential',
  R5: 'residential',
  S1: 'residential',
  T0: 'temporary',
  T1: 'temporary',
  T2: 'temporary',
  T3: 'temporary',
  T4: 'temporary',
  U1: 'foster',
  U2: 'foster',
  U3: 'foster',
  U4: 'foster',
  U5: 'foster',
  U6: 'foster',
  Z1: 'other',
};

/** Whether a placement may be held. A kind that is not known might be one for adoption. */
export function isShownPlacement(type: string): boolean {
  const code = type.toUpperCase();
  return Object.hasOwn(BY_CODE, code) && !ADOPTION_PLACEMENTS.has(code);
}

/** @returns undefined for a placement that may not be held */
export function placementKind(type: string): { readonly code: string; readonly display: string } | undefined {
  const kind = isShownPlacement(type) ? BY_CODE[type.toUpperCase()] : undefined;
  return kind === undefined ? undefined : KINDS[kind];
}
