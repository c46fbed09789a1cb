import type { Day } from './calendar.ts';
import { dayOf } from './calendar.ts';
import type { SourceCode } from './model.ts';
import { Random } from './random.ts';

/** A run of the generator: what every row may depend on besides its person. */
export interface County {
  readonly seed: number;
  /** day up to which things have happened */
  readonly anchor: Day;
  readonly businessDay: Day;
  readonly sequence: number;
  readonly changed: number;
}

/** Ages are reckoned from this day, whatever the business date, so that nobody's birth date ever moves. */
export const BIRTHS_FROM: Day = dayOf('2026-01-01');

export interface Household {
  readonly family: string;
  readonly line: string;
  readonly city: string;
  readonly postalCode: string;
  readonly telephone: string;
  /** ODS code of the practice where all of it is registered */
  readonly practice: string;
}

export type Stage = 'child' | 'adult' | 'elder';

/** What children's social care knows of a child. */
export interface LcsStanding {
  readonly agreement: 'given' | 'not-given' | 'ended' | 'blank';
  /** false: referral, involvement and plans have all ended */
  readonly open: boolean;
  readonly number: 'verified' | 'unverified' | 'absent';
  /** true: whatever chance says */
  readonly lookedAfter?: boolean;
}

/** Rows of the GP feed, beside the Patient, the registration and consents. */
export interface GpVolume {
  readonly problems: number;
  readonly allergies: number;
  readonly requests: number;
  readonly statements: number;
  readonly immunisations: number;
  readonly observations: number;
  readonly documents: number;
  /** false: nothing that hangs on other rows (Medication, Binary, Provenance), so that rows can be counted */
  readonly attachments: boolean;
}

/** Rows of a hospital feed, beside the Patient; a report brings three results. */
export interface HospitalVolume {
  readonly encounters: number;
  readonly procedures: number;
  readonly reports: number;
  readonly appointments: number;
  readonly referrals: number;
  readonly attachments: boolean;
}

export interface Person {
  readonly index: number;
  /** as the sources send it */
  readonly nhsNumber: string;
  readonly given: string;
  readonly family: string;
  readonly gender: 'female' | 'male' | 'other' | 'unknown';
  readonly birthDay: Day;
  readonly stage: Stage;
  readonly ethnicCategory: string;
  readonly household: Household;
  readonly sources: readonly SourceCode[];
  readonly gp: GpVolume;
  readonly hospital: HospitalVolume;
  readonly lcs: LcsStanding;
  readonly adultAgreement: 'given' | 'denied' | 'ended' | 'none';
  readonly optOut?: 'consent' | 'code' | 'code-then-in';
  readonly restricted?: boolean;
  /** has entries labelled restricted and not-for-patient */
  readonly labelled?: boolean;
  readonly deceasedDay?: Day;
  /** is also a member of staff */
  readonly staff?: { readonly organization: string; readonly userId: string };
  /** what a source contradicts of the identity */
  readonly contradicted?: {
    readonly source: SourceCode;
    readonly given: string;
    readonly family: string;
    readonly birthDay: Day;
  };
}

export function gpVolume(random: Random, stage: Stage): GpVolume {
  const elder = stage === 'elder';
  const child = stage === 'child';
  return {
    problems: child ? random.whole(0, 2) : random.whole(elder ? 1 : 0, elder ? 5 : 3),
    allergies: random.chance(child ? 0.18 : 0.22) ? random.whole(1, 2) : 0,
    requests: child ? random.whole(0, 2) : random.whole(elder ? 2 : 0, elder ? 6 : 3),
    statements: child ? random.whole(0, 1) : random.whole(elder ? 1 : 0, elder ? 4 : 2),
    immunisations: child ? 9 : random.whole(1, elder ? 4 : 3),
    observations: child ? random.whole(1, 3) : random.whole(2, elder ? 8 : 6),
    documents: random.chance(elder ? 0.3 : 0.1) ? 1 : 0,
    attachments: true,
  };
}

export function hospitalVolume(random: Random, stage: Stage): HospitalVolume {
  return {
    encounters: random.whole(1, 2),
    procedures: random.whole(0, 1),
    reports: random.whole(0, stage === 'child' ? 1 : 2),
    appointments: random.whole(0, 2),
    referrals: random.whole(0, 1),
    attachments: true,
  };
}

/** Whether this night's rows of the person differ from those of sequence 1. */
export function isChanged(county: County, index: number): boolean {
  if (county.sequence === 1 || county.changed <= 0) return false;
  return new Random(county.seed, `changed ${county.sequence}`, index).chance(county.changed);
}
