import type { CompositionSection } from '@medplum/fhirtypes';
import type { ServedTypeName } from '../../fhir/served.ts';
import { ALERTS, CARE_TEAM, PLAN_OF_CARE } from './care-sections.ts';
import { ALLERGIES, IMMUNIZATIONS, PAST_PROBLEMS, PROBLEMS, PROCEDURES } from './clinical-sections.ts';
import { MEDICINES } from './medicines-section.ts';
import { RESULTS, SOCIAL_HISTORY, VITAL_SIGNS } from './observation-sections.ts';
import { moment } from './reading.ts';
import type { ReadRow, RecordRows } from './rows.ts';
import type { SectionRule } from './section-rule.ts';
import { emptyReason, emptyWords, mayBeMore, notShownWords, type SourceStates, WITHHELD } from './sources.ts';
import { narrative, paragraph, table } from './xhtml.ts';

/** The sections, in their order. The first three are those that IPS requires. A row is in one of them at most. */
export const SECTIONS: readonly SectionRule[] = [
  PROBLEMS,
  ALLERGIES,
  MEDICINES,
  ALERTS,
  IMMUNIZATIONS,
  RESULTS,
  PROCEDURES,
  VITAL_SIGNS,
  SOCIAL_HISTORY,
  PAST_PROBLEMS,
  PLAN_OF_CARE,
  CARE_TEAM,
];

/** A section with the rows that are in it. */
export interface Section {
  readonly rule: SectionRule;
  /** newest first; those of one date by type, then in the record's order */
  readonly rows: readonly ReadRow[];
  /** rows that belong here and are left out for newer ones */
  readonly older: number;
  /** the caller may see nothing of this kind, of anybody */
  readonly withheld: boolean;
}

/** @param shown types of which the caller may see anything at all */
export function sectionOf(rule: SectionRule, record: RecordRows, shown: readonly ServedTypeName[]): Section {
  const taken = record.of(rule.types).filter((row) => rule.takes(row.resource));
  const chosen = rule.without?.(taken) ?? taken;
  const sorted = chosen
    .map((row) => ({ row, when: moment(rule.when(row.resource)) }))
    .sort((a, b) => (a.when === b.when ? 0 : b.when - a.when))
    .map(({ row }) => row);
  const rows = newest(rule, sorted).slice(0, rule.most);
  const withheld = !rule.types.some((type) => shown.includes(type));
  return { rule, rows, older: sorted.length - rows.length, withheld };
}

function newest(rule: SectionRule, sorted: readonly ReadRow[]): readonly ReadRow[] {
  const seen = new Set<string>();
  return sorted.filter(({ resource }) => {
    const key = rule.newestOf?.(resource) ?? '';
    if (key === '') return true;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

export function compositionSection(
  section: Section,
  record: RecordRows,
  states: SourceStates,
): CompositionSection {
  const { rule, rows } = section;
  const { title, loinc, columns } = rule;
  const words = [...wordsOf(section, states), ...(rule.socialCare ? [notShownWords(states)] : [])];
  const text = narrative(
    table(
      columns,
      rows.map((row) => rule.cells(row, record)),
    ),
    ...words.filter((each) => each !== undefined).map(paragraph),
  );
  const code = { coding: [{ system: 'http://loinc.org', ...loinc }] };
  const head = { title, code, text };
  return rows.length === 0
    ? { ...head, emptyReason: section.withheld ? WITHHELD : emptyReason(states) }
    : { ...head, entry: rows.map(({ type, id }) => ({ reference: `${type}/${id}` })) };
}

function wordsOf({ rows, older, withheld }: Section, states: SourceStates): readonly (string | undefined)[] {
  if (withheld) return [`${WITHHELD.text}.`];
  if (rows.length === 0) return [emptyWords(states)];
  const left = older === 1 ? '1 older one is' : `${older} older ones are`;
  return [
    older === 0 ? undefined : `The newest are shown; ${left} left out, and in the record.`,
    mayBeMore(states),
  ];
}
