import type { Random } from '../../demo/county/random.ts';
import { type Damage, isCare, type Said, type SourceCode } from './nights-county.ts';
import type { Published } from './nights-model.ts';
import type { Truth } from './nights-truth.ts';

/** Faults of a night, of the kinds of the catalogue (F-41 to F-55), and what must become of each. */

export type FaultKind =
  | Damage
  | 'none'
  | 'yesterday-again'
  | 'future-day'
  | 'earlier-day'
  | 'sequence-gap'
  | 'sequence-again'
  | 'few-broken'
  | 'quarter-broken'
  | 'shrink'
  | 'growth'
  | 'twice-alike'
  | 'twice-otherwise'
  | 'other-birth-date'
  | 'twin'
  | 'crash';

const ALWAYS: readonly FaultKind[] = [
  'truncated',
  'wrong-hash',
  'wrong-count',
  'yesterday-again',
  'future-day',
  'earlier-day',
  'sequence-again',
  'crash',
];
const OF_FHIR: readonly FaultKind[] = [...ALWAYS, 'missing-file', 'twice-alike'];
const OF_HEALTH: readonly FaultKind[] = [
  ...OF_FHIR,
  'few-broken',
  'quarter-broken',
  'shrink',
  'growth',
  'twice-otherwise',
  'twin',
  'sequence-gap',
];

export function pickFault(random: Random, source: SourceCode, last: Published | undefined): FaultKind {
  if (last === undefined || random.chance(0.5)) return 'none';
  if (source === 'lcs') return random.pick(ALWAYS);
  if (isCare(source)) return random.pick(OF_FHIR);
  return random.pick(source === 'gp' ? OF_HEALTH : [...OF_HEALTH, 'other-birth-date']);
}

/** What must come of it: published; held by a guard; refused before or after what restricts has counted. */
export type Fate = 'published' | 'held' | 'refused' | 'refused-but-restricts' | 'duplicate';

export const FATES: Readonly<Record<FaultKind, Fate>> = {
  none: 'published',
  truncated: 'refused',
  'wrong-hash': 'refused',
  'wrong-count': 'refused',
  'missing-file': 'refused-but-restricts',
  'yesterday-again': 'duplicate',
  'future-day': 'refused',
  'earlier-day': 'refused',
  'sequence-gap': 'refused',
  'sequence-again': 'refused',
  'few-broken': 'published',
  'quarter-broken': 'held',
  shrink: 'held',
  growth: 'held',
  'twice-alike': 'published',
  'twice-otherwise': 'published',
  'other-birth-date': 'published',
  twin: 'published',
  crash: 'published',
};

export const DAMAGES: ReadonlySet<string> = new Set([
  'truncated',
  'wrong-hash',
  'wrong-count',
  'missing-file',
]);

/** The extract with the fault in what it says; damage of files comes as they are written. */
export function withFault(
  fault: FaultKind,
  said: Said,
  truth: Truth,
  last: Published | undefined,
  random: Random,
): Said {
  const { rows } = said;
  const some = (share: number): ReadonlySet<string> =>
    new Set(rows.filter((_, index) => index % 10 < share * 10).map(({ id }) => id));
  switch (fault) {
    case 'future-day':
      return { ...said, businessDate: '2999-01-01' };
    case 'earlier-day':
      return { ...said, businessDate: '2025-01-02' };
    case 'sequence-again':
      return { ...said, sequence: last?.sequence ?? 1 };
    case 'sequence-gap':
      return last === undefined ? said : { ...truth.delta(said, last), sequence: last.sequence + 2 };
    case 'few-broken':
      return { ...said, broken: new Set(rows.slice(0, 2).map(({ id }) => id)) };
    case 'quarter-broken':
      return { ...said, broken: some(0.4) };
    case 'shrink':
      return { ...said, rows: rows.filter(({ id }) => !some(0.5).has(id)) };
    case 'growth':
      return {
        ...said,
        rows: rows.flatMap((row) => [row, ...[1, 2, 3, 4].map((n) => ({ ...row, id: `${row.id}-x${n}` }))]),
      };
    case 'twice-alike':
    case 'twice-otherwise': {
      const id = random.pick(rows).id;
      return { ...said, twice: new Map([[id, fault === 'twice-alike' ? 'alike' : 'otherwise']]) };
    }
    case 'other-birth-date':
    case 'twin':
      return { ...said, conflict: { person: random.pick(said.people), how: fault } };
    default:
      return said;
  }
}
