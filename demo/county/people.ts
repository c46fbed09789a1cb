import type { Day } from './calendar.ts';
import type { CaseSpec } from './case-spec.ts';
import { CASES } from './cases.ts';
import type { SourceCode } from './model.ts';
import { COUNCIL } from './model.ts';
import { BOYS, ETHNIC_CATEGORIES, GIRLS, STREETS, SURNAMES, TOWNS, UNUSED_INWARD_LETTERS } from './names.ts';
import { syntheticNhsNumber } from './nhs-number.ts';
import type { County, Household, LcsStanding, Person, Stage } from './person.ts';
import { BIRTHS_FROM, gpVolume, hospitalVolume } from './person.ts';
import { Random } from './random.ts';

/** Who lives in the county: person n is the same in a county of any size. */

type Place = 'parent' | 'grown' | 'elder' | 'child';

/** Twenty people, eight of them children, in seven households; the county repeats this pattern. */
const HOUSEHOLDS: readonly (readonly Place[])[] = [
  ['elder'],
  ['elder', 'elder'],
  ['parent', 'parent', 'child', 'child'],
  ['parent', 'child', 'child'],
  ['parent', 'parent', 'child', 'child', 'child'],
  ['grown'],
  ['parent', 'parent', 'grown', 'child'],
];

const PLACES = HOUSEHOLDS.flatMap((places, household) => places.map((place) => ({ place, household })));

/** Ages in days on BIRTHS_FROM. Children stay children until the end of that year. */
const AGES: Readonly<Record<Place, readonly [number, number]>> = {
  child: [366, 6_200],
  grown: [6_800, 10_900],
  parent: [10_000, 19_000],
  elder: [22_700, 35_000],
};

/** @param key the household's number; negative for those of the hard cases */
function household(county: County, key: number): Household {
  const random = new Random(county.seed, 'household', key);
  const town = random.pick(TOWNS);
  const inward = `${random.whole(1, 9)}${random.pick(UNUSED_INWARD_LETTERS)}${random.pick(UNUSED_INWARD_LETTERS)}`;
  return {
    family: random.pick(SURNAMES),
    line: `${random.whole(1, 180)} ${random.pick(STREETS)}`,
    city: town.name,
    postalCode: `${random.pick(town.outward)} ${inward}`,
    telephone: `01632 960${String(random.whole(0, 999)).padStart(3, '0')}`,
    practice: random.pick(town.practices),
  };
}

/** Share of people of a stage of life whom a source knows. */
const KNOWN: readonly (readonly [SourceCode, Readonly<Record<Stage, number>>])[] = [
  ['gp', { child: 0.98, adult: 0.98, elder: 0.99 }],
  ['acute', { child: 0.3, adult: 0.38, elder: 0.75 }],
  ['community', { child: 0.1, adult: 0.1, elder: 0.4 }],
  ['mental-health', { child: 0.05, adult: 0.1, elder: 0.1 }],
  ['adult-social-care', { child: 0, adult: 0.033, elder: 0.14 }],
  ['ambulance', { child: 0.04, adult: 0.05, elder: 0.2 }],
  ['out-of-hours', { child: 0.2, adult: 0.1, elder: 0.15 }],
  ['lcs', { child: 0.08, adult: 0, elder: 0 }],
];

function knownTo(random: Random, stage: Stage): readonly SourceCode[] {
  const sources = KNOWN.filter(([, shares]) => random.chance(shares[stage])).map(([source]) => source);
  return sources.length === 0 ? ['gp'] : sources;
}

function lcsStanding(random: Random): LcsStanding {
  const agreed = random.next();
  return {
    agreement: agreed < 0.6 ? 'given' : agreed < 0.75 ? 'not-given' : agreed < 0.83 ? 'ended' : 'blank',
    open: random.chance(0.9),
    number: random.chance(0.95) ? 'verified' : random.chance(0.5) ? 'unverified' : 'absent',
  };
}

function adultAgreement(random: Random): Person['adultAgreement'] {
  const drawn = random.next();
  return drawn < 0.65 ? 'given' : drawn < 0.75 ? 'denied' : drawn < 0.8 ? 'ended' : 'none';
}

function gender(random: Random): Person['gender'] {
  const drawn = random.next();
  return drawn < 0.498 ? 'female' : drawn < 0.996 ? 'male' : drawn < 0.998 ? 'other' : 'unknown';
}

function givenName(random: Random, of: Person['gender']): string {
  return random.pick(of === 'male' ? BOYS : GIRLS);
}

/** The rarer things about ordinary people. */
function oddities(random: Random, stage: Stage, index: number, home: Household): Partial<Person> {
  const optOut = random.next();
  const restricted = random.chance(0.0015);
  const labelled = random.chance(0.004);
  const staff = stage === 'adult' && random.chance(0.01);
  const works = random.pick([home.practice, 'RXQ', 'RNU', 'RYE', COUNCIL]);
  const died: Day | undefined =
    stage === 'elder' && random.chance(0.02) ? BIRTHS_FROM - random.whole(400, 900) : undefined;
  return {
    ...(optOut < 0.012
      ? { optOut: 'consent' as const }
      : optOut < 0.018
        ? { optOut: 'code' as const }
        : optOut < 0.02
          ? { optOut: 'code-then-in' as const }
          : {}),
    ...(restricted ? { restricted } : {}),
    ...(labelled ? { labelled } : {}),
    ...(staff ? { staff: { organization: works, userId: `${works.toLowerCase()}-user-${index}` } } : {}),
    ...(died === undefined ? {} : { deceasedDay: died }),
  };
}

function ordinary(county: County, index: number): Person {
  const at = PLACES[index % PLACES.length];
  if (at === undefined) throw new Error('The pattern of households has a hole.');
  const home = household(county, Math.floor(index / PLACES.length) * HOUSEHOLDS.length + at.household);
  const random = new Random(county.seed, 'person', index);
  const stage: Stage = at.place === 'child' || at.place === 'elder' ? at.place : 'adult';
  const [youngest, oldest] = AGES[at.place];
  const sex = gender(random);
  const odd = oddities(new Random(county.seed, 'oddities', index), stage, index, home);
  const sources = knownTo(random, stage);
  return {
    index,
    nhsNumber: syntheticNhsNumber(index),
    given: givenName(random, sex),
    family: home.family,
    gender: sex,
    birthDay: BIRTHS_FROM - random.whole(youngest, oldest),
    stage,
    ethnicCategory: random.pick(ETHNIC_CATEGORIES),
    household: home,
    // services end with a life; the GP and the hospital keep their records
    sources: odd.deceasedDay === undefined ? sources : ['gp', 'acute'],
    gp: gpVolume(random, stage),
    hospital: hospitalVolume(random, stage),
    lcs: lcsStanding(random),
    adultAgreement: adultAgreement(random),
    ...odd,
  };
}

/** A hard case: an ordinary person of that age without oddities, and then what the case says. */
function made(county: County, index: number, spec: CaseSpec): Person {
  const random = new Random(county.seed, 'person', index);
  const home = { ...household(county, -1 - (spec.livesWith ?? index)), ...spec.household };
  const sex = spec.gender ?? gender(random);
  return {
    index,
    nhsNumber: syntheticNhsNumber(index),
    given: givenName(random, sex),
    family: home.family,
    gender: sex,
    birthDay: spec.birthDay,
    stage: spec.stage,
    ethnicCategory: random.pick(ETHNIC_CATEGORIES),
    household: home,
    sources: spec.sources,
    gp: { ...gpVolume(random, spec.stage), ...spec.gpRows },
    hospital: { ...hospitalVolume(random, spec.stage), ...spec.hospitalRows },
    lcs: { agreement: 'given', open: true, number: 'verified', ...spec.lcs },
    adultAgreement: 'given',
    ...spec.is,
  };
}

/** @param index 0 and up; the hard cases come first */
export function personAt(county: County, index: number): Person {
  const spec = CASES[index];
  return spec === undefined ? ordinary(county, index) : made(county, index, spec);
}
