import { dateText } from './calendar.ts';
import { ChildFile } from './lcs-child-file.ts';
import { addLookedAfter } from './lcs-looked-after.ts';
import type { LcsRow } from './lcs-tables.ts';
import { BOYS, GIRLS, SURNAMES } from './names.ts';
import type { County, Person } from './person.ts';
import { isChanged } from './person.ts';
import { Random } from './random.ts';

/** The rows of children's social care. */

const WORKERS = 40;
const TEAMS = [
  'Children in Need, Aylesbury',
  'Children in Need, Wycombe',
  'Protection and Care',
  'Children with Disabilities',
];

const workerId = (n: number): string => `W${1001 + n}`;

/** The workers: the same in every county of a seed, whatever its size. */
export function lcsProfessionals(seed: number): LcsRow[] {
  return Array.from({ length: WORKERS }, (_, n) => {
    const random = new Random(seed, 'lcs worker', n);
    const name = `${random.pick(random.chance(0.7) ? GIRLS : BOYS)} ${random.pick(SURNAMES)}`;
    const telephone = `01632 960${String(500 + n)}`;
    const job = n % 5 === 0 ? 'Team manager' : 'Social worker';
    const team = random.pick(TEAMS);
    const values = [
      workerId(n),
      `S${2001 + n}`,
      name,
      `SW${90_001 + n}`,
      job,
      team,
      telephone,
      `worker${n}@bucks-council.example`,
    ];
    return { table: 'ssd_professionals', values };
  });
}

const SEX: Readonly<Record<Person['gender'], string>> = { female: 'F', male: 'M', other: 'U', unknown: 'U' };
const STATUS = { verified: '01', unverified: '02', absent: '07' } as const;

function addPerson(file: ChildFile): void {
  const { person } = file;
  const number = person.lcs.number === 'absent' ? '' : person.nhsNumber;
  const { given, family, gender, birthDay, lcs } = person;
  file.add(
    'ssd_person',
    file.id,
    given,
    family,
    SEX[gender],
    dateText(birthDay),
    number,
    '',
    STATUS[lcs.number],
  );
  file.add('ssd_linked_identifiers', `K${file.id}`, file.id, 'Case Number', `C-${file.id}`, '', '');
}

function addCase(file: ChildFile, night: { readonly changed: boolean }): void {
  const { random, id, referral, end } = file;
  const start = dateText(file.start);
  const team = random.pick(TEAMS);
  const worker = random.whole(0, WORKERS - 1);
  const closed = end === '' ? '' : 'RC7';
  file.add('ssd_contacts', `T${id}-1`, id, dateText(file.start - 1));
  file.add('ssd_cin_episodes', referral, id, start, 'N', closed, end, team, workerId(worker));
  const assessed = dateText(file.start + random.whole(20, 38));
  file.add('ssd_cin_assessments', `S${id}-1`, id, referral, start, assessed, team, workerId(worker));
  const now = night.changed ? `${team} (duty)` : team;
  file.add(
    'ssd_involvements',
    `I${id}-1`,
    workerId(worker),
    'Allocated social worker',
    now,
    start,
    end,
    id,
    referral,
  );
  if (random.chance(0.4)) {
    const second = workerId((worker + 7) % WORKERS);
    file.add('ssd_involvements', `I${id}-2`, second, 'Family support worker', now, start, end, id, referral);
  }
}

function addPlans(file: ChildFile, county: County): void {
  const { random, id, referral, end } = file;
  const start = dateText(file.start + 14);
  const kind = random.next();
  if (file.person.lcs.lookedAfter === true || kind >= 0.85) addLookedAfter(file, county);
  else if (kind < 0.65) file.add('ssd_cin_plans', `N${id}-1`, referral, id, start, end, random.pick(TEAMS));
  else file.add('ssd_cp_plans', `C${id}-1`, referral, id, start, end);
}

function addFamily(file: ChildFile, county: County): void {
  const { random, id, person } = file;
  const mother = `${random.pick(GIRLS)} ${person.household.family}`;
  const phone = (): string => `07700 900${String(random.whole(0, 999)).padStart(3, '0')}`;
  file.add('mcr_relations', `F${id}-1`, id, mother, 'MTH', 'Y', phone());
  if (random.chance(0.6)) {
    const father = `${random.pick(BOYS)} ${person.household.family}`;
    file.add('mcr_relations', `F${id}-2`, id, father, 'FTH', random.pick(['Y', 'N', '']), phone());
  }
  const { agreement } = person.lcs;
  if (agreement === 'blank') return;
  const recorded = dateText(file.start + 1);
  const given = agreement === 'not-given' ? 'N' : 'Y';
  const end = agreement === 'ended' ? dateText(county.anchor - 15) : '';
  file.add('mcr_sharing_agreements', `A${id}-1`, id, given, mother, 'MTH', recorded, recorded, end);
}

export function lcsRows(person: Person, county: County): readonly LcsRow[] {
  const file = new ChildFile(person, county);
  addPerson(file);
  addCase(file, { changed: isChanged(county, person.index) });
  addPlans(file, county);
  addFamily(file, county);
  return file.rows;
}
