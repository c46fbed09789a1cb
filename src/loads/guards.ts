import { isServed, served, servedByCode } from '../fhir/served.ts';
import type { Tally } from './certificate.ts';
import type { TypeCount } from './records.ts';

/**
 * Guards against an extract that is whole and well formed and yet cannot be right: too many of its rows are rejected,
 * or far less or far more is left of what is stored of its source. Pure. One that trips holds the load until somebody
 * decides; what restricts has been applied by then and stays.
 */

/** Limits in percent; at the limit is within it. */
export interface GuardLimits {
  /** rows rejected, of the rows sent */
  readonly rejected: { readonly total: number; readonly type: number };
  /** resources (of a practice: people) that are gone, of those stored */
  readonly shrink: ScopedLimits;
  /** resources (of a practice: people) more, of those stored: 100 is twice as many */
  readonly growth: ScopedLimits;
  /** numbers below this are not judged: of three rows one is much and means nothing */
  readonly least: number;
}

export interface ScopedLimits {
  readonly total: number;
  readonly type: number;
  readonly practice: number;
}

/** What a source's configuration says of its guards; the rest is as in `DEFAULT_LIMITS`. */
export type GuardSettings = {
  readonly [Name in keyof GuardLimits]?: Partial<GuardLimits[Name]>;
};

export const DEFAULT_LIMITS: GuardLimits = {
  rejected: { total: 10, type: 25 },
  shrink: { total: 10, type: 30, practice: 30 },
  growth: { total: 100, type: 200, practice: 100 },
  least: 50,
};

/** @returns the limits of a source, whatever it does not set as by default */
export function guardLimits(settings: GuardSettings = {}): GuardLimits {
  return {
    rejected: { ...DEFAULT_LIMITS.rejected, ...settings.rejected },
    shrink: { ...DEFAULT_LIMITS.shrink, ...settings.shrink },
    growth: { ...DEFAULT_LIMITS.growth, ...settings.growth },
    least: settings.least ?? DEFAULT_LIMITS.least,
  };
}

export type GuardName = 'rejected' | 'shrink' | 'growth';
export type GuardScope = 'total' | 'type' | 'practice';

/** One guard, judged. */
export interface GuardFinding {
  readonly guard: GuardName;
  readonly scope: GuardScope;
  /** FHIR type or table, or code of the practice; absent: the total */
  readonly name?: string;
  /** rows sent, or resources stored before */
  readonly of: number;
  /** rows rejected, or resources stored after */
  readonly found: number;
  /** two decimals */
  readonly percent: number;
  readonly limit: number;
  /** `released`: exceeded, and let pass by a human */
  readonly outcome: 'within' | 'exceeded' | 'released';
}

/** Numbers of one type or practice, before and after. */
export interface Movement {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

/** What the guards judge. */
export interface GuardedNumbers {
  readonly rows: readonly { readonly type: string; readonly sent: number; readonly rejected: number }[];
  /** by type, and of people by practice. Absent: nothing of the source is stored yet */
  readonly stored?: { readonly types: readonly Movement[]; readonly practices: readonly Movement[] };
}

/** Every guard that applies, judged: totals first, then types and practices by name. */
export function judgeGuards(numbers: GuardedNumbers, limits: GuardLimits): readonly GuardFinding[] {
  const { rows, stored } = numbers;
  const sent = rows.reduce((sum, row) => sum + row.sent, 0);
  const rejected = rows.reduce((sum, row) => sum + row.rejected, 0);
  const shares = [
    judgeShare({ of: sent, found: rejected }, limits, 'total'),
    ...rows.map((row) => judgeShare({ of: row.sent, found: row.rejected }, limits, 'type', row.type)),
  ];
  const movements = stored === undefined ? [] : judgeStored(stored, limits);
  const findings = [...shares, ...movements].filter((finding) => finding !== undefined);
  return findings.sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** The findings with those let pass that a human released; one that was not there then is not among them. */
export function released(
  findings: readonly GuardFinding[],
  before: readonly GuardFinding[],
): readonly GuardFinding[] {
  const known = new Set(before.filter((finding) => finding.outcome !== 'within').map(guardKey));
  return findings.map((finding) =>
    finding.outcome === 'exceeded' && known.has(guardKey(finding))
      ? { ...finding, outcome: 'released' as const }
      : finding,
  );
}

/** Names a guard: `shrink total`, `rejected type Observation`. */
export function guardKey({ guard, scope, name }: GuardFinding): string {
  return [guard, scope, ...(name === undefined ? [] : [name])].join(' ');
}

/** A finding as a sentence for the source's engineers. */
export function guardSentence(finding: GuardFinding): string {
  const { guard, scope, name = '', of, found, percent, limit } = finding;
  const what =
    scope === 'total' ? 'in total' : scope === 'type' ? `of type ${name}` : `of people of practice ${name}`;
  if (guard === 'rejected')
    return `Rows rejected ${what}: ${found} of ${of}, ${percent} %; the limit is ${limit} %.`;
  const way = guard === 'shrink' ? 'fewer' : 'more';
  return `Stored ${what}: ${found} instead of ${of}, ${percent} % ${way}; the limit is ${limit} %.`;
}

/**
 * What became of the rows and of what is stored.
 *
 * @param after resources of the source by type, as stored once the load has been applied
 * @param practices people by practice, undefined before the first publication of the source
 */
export function guardedNumbers(
  tally: Tally,
  files: readonly { readonly type: string; readonly rows: number }[],
  after: readonly TypeCount[],
  practices: readonly Movement[] | undefined,
): GuardedNumbers {
  const { types } = tally;
  const sent = new Map<string, number>();
  for (const { type, rows } of files) sent.set(type, (sent.get(type) ?? 0) + rows);
  const names = new Set([...sent.keys(), ...Object.keys(types)]);
  const rows = [...names].map((type) => ({
    type,
    sent: sent.get(type) ?? 0,
    rejected: faults(types[type]?.rejected ?? {}),
  }));
  if (practices === undefined) return { rows };
  const left = new Map(after.map(({ type, count }) => [type, count]));
  const stored = new Set([...Object.keys(types).filter(isServed), ...[...left.keys()].map(servedByCode)]);
  const movements = [...stored].map((name) => {
    const { new: fresh = 0, deleted = 0 } = types[name] ?? {};
    const count = isServed(name) ? (left.get(served(name).code) ?? 0) : 0;
    return { name, before: count - fresh + deleted, after: count };
  });
  return { rows, stored: { types: movements, practices } };
}

/** Rows of an organisation that has not signed are rejected as agreed: that says nothing about the extract. */
function faults(rejected: Readonly<Record<string, number>>): number {
  return Object.entries(rejected).reduce(
    (sum, [rule, count]) => (rule === 'not-signatory' ? sum : sum + count),
    0,
  );
}

function judgeStored(
  { types, practices }: NonNullable<GuardedNumbers['stored']>,
  limits: GuardLimits,
): readonly (GuardFinding | undefined)[] {
  const sum = (pick: (movement: Movement) => number): number =>
    types.reduce((total, movement) => total + pick(movement), 0);
  const total = { before: sum((each) => each.before), after: sum((each) => each.after) };
  return [
    judgeMovement(total, limits, 'total'),
    ...types.map((each) => judgeMovement(each, limits, 'type', each.name)),
    ...practices.map((each) => judgeMovement(each, limits, 'practice', each.name)),
  ];
}

function judgeShare(
  { of, found }: { readonly of: number; readonly found: number },
  limits: GuardLimits,
  scope: 'total' | 'type',
  name?: string,
): GuardFinding | undefined {
  if (of < limits.least) return undefined;
  return finding('rejected', scope, name, of, found, (found / of) * 100, limits.rejected[scope]);
}

function judgeMovement(
  { before, after }: Pick<Movement, 'before' | 'after'>,
  limits: GuardLimits,
  scope: GuardScope,
  name?: string,
): GuardFinding | undefined {
  if (before < limits.least) return undefined;
  const guard = after > before ? 'growth' : 'shrink';
  const percent = (Math.abs(after - before) / before) * 100;
  return finding(guard, scope, name, before, after, percent, limits[guard][scope]);
}

/** Shares are fractions of whole numbers: what a double gets wrong is far below what one row makes. */
const BELOW_ONE_ROW = 1e-9;

function finding(
  guard: GuardName,
  scope: GuardScope,
  name: string | undefined,
  of: number,
  found: number,
  percent: number,
  limit: number,
): GuardFinding {
  return {
    guard,
    scope,
    ...(name !== undefined && { name }),
    of,
    found,
    percent: Math.round(percent * 100) / 100,
    limit,
    outcome: percent - limit > BELOW_ONE_ROW ? 'exceeded' : 'within',
  };
}

const SCOPES: readonly GuardScope[] = ['total', 'type', 'practice'];

function order({ guard, scope, name = '' }: GuardFinding): string {
  return `${SCOPES.indexOf(scope)} ${name} ${guard}`;
}
