import type { AuditConditions } from '../audit/reader.ts';

/** Conditions of which both hold: of what each allows, what both do. */
export function both(one: AuditConditions, other: AuditConditions): AuditConditions {
  const found: { -readonly [Key in keyof AuditConditions]: AuditConditions[Key] } = { ...one };
  const common = <Key extends Exact>(key: Key, same: (a: Value<Key>, b: Value<Key>) => boolean): void => {
    const [mine, theirs] = [one[key] as readonly Value<Key>[], other[key] as readonly Value<Key>[]];
    if (theirs === undefined) return;
    const values = mine === undefined ? theirs : mine.filter((a) => theirs.some((b) => same(a, b)));
    Object.assign(found, { [key]: values });
  };
  for (const key of EXACT) common(key, (a, b) => a === b);
  for (const key of FOLDED) common(key, (a, b) => String(a).toLowerCase() === String(b).toLowerCase());
  for (const key of ['timesOfDay', 'containing'] as const) {
    const all = [...(one[key] ?? []), ...(other[key] ?? [])];
    if (all.length > 0) Object.assign(found, { [key]: all });
  }
  return found;
}

const EXACT = ['ids', 'personIds', 'agents', 'clients', 'requestIds', 'outcomes', 'kinds'] as const;
/** compared regardless of case */
const FOLDED = ['organisations', 'purposes'] as const;

type Exact = (typeof EXACT)[number] | (typeof FOLDED)[number];
type Value<Key extends Exact> = NonNullable<AuditConditions[Key]>[number];

/** Whether any event can meet them: a condition that allows no value is met by none. */
export function satisfiable(conditions: AuditConditions): boolean {
  return Object.values(conditions).every((values: readonly unknown[]) => values.length > 0);
}
