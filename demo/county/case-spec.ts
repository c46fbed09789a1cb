import type { Day } from './calendar.ts';
import { dayOf } from './calendar.ts';
import type { SourceCode } from './model.ts';
import type { GpVolume, HospitalVolume, Household, LcsStanding, Person, Stage } from './person.ts';

/** A hard case: a person made on purpose. */
export interface CaseSpec {
  /** names under which demos and tests find the person */
  readonly names: readonly string[];
  /** one sentence */
  readonly what: string;
  readonly stage: Stage;
  readonly birthDay: Day;
  readonly sources: readonly SourceCode[];
  readonly gender?: Person['gender'];
  /** number of the case whose household this person belongs to */
  readonly livesWith?: number;
  readonly household?: Partial<Household>;
  readonly gpRows?: Partial<GpVolume>;
  readonly hospitalRows?: Partial<HospitalVolume>;
  readonly lcs?: Partial<LcsStanding>;
  readonly is?: Partial<Person>;
}

type Rest = Omit<CaseSpec, 'names' | 'what' | 'stage' | 'birthDay' | 'sources'>;

const maker =
  (stage: Stage) =>
  (name: string, born: string, sources: readonly SourceCode[], what: string, rest: Rest = {}): CaseSpec => ({
    names: [name],
    what,
    stage,
    birthDay: dayOf(born),
    sources,
    ...rest,
  });

export const child = maker('child');
export const adult = maker('adult');
export const elder = maker('elder');
