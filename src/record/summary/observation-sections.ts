import { codeTokens } from '../../fhir/codings.ts';
import { all, at, concept, concepts, date, type Json, joined, period, quantity, text } from './reading.ts';
import type { ReadRow, RecordRows } from './rows.ts';
import { isOneOf, type SectionRule } from './section-rule.ts';
import type { Cell } from './xhtml.ts';

/** Results, vital signs and social history: Observations by category, and reports. */

/** A summary is bounded: the newest so many. */
const MOST = 50;
/** Nothing was observed: called off, or not done yet. */
const WITHOUT_RESULT = ['cancelled', 'registered'];
/** Codes of `observation-category` and of v2 table 0074. */
const RESULT_CATEGORIES = ['laboratory', 'imaging', 'LAB', 'RAD'];

function effective(resource: Json): string {
  return (
    text(resource, 'effectiveDateTime') ||
    text(resource, 'effectiveInstant') ||
    text(resource, 'effectivePeriod', 'start') ||
    text(resource, 'issued')
  );
}

function shownDate(resource: Json): string {
  return period(at(resource, 'effectivePeriod')) || date(effective(resource));
}

/** `value[x]`, in words. */
function value(holder: unknown): string {
  const range = at(holder, 'valueRange');
  const ratio = at(holder, 'valueRatio');
  const yes = at(holder, 'valueBoolean');
  return (
    quantity(at(holder, 'valueQuantity')) ||
    concept(at(holder, 'valueCodeableConcept')) ||
    text(holder, 'valueString') ||
    text(holder, 'valueInteger') ||
    (typeof yes === 'boolean' ? (yes ? 'yes' : 'no') : '') ||
    joined(' to ', quantity(at(range, 'low')), quantity(at(range, 'high'))) ||
    joined(' : ', quantity(at(ratio, 'numerator')), quantity(at(ratio, 'denominator'))) ||
    date(text(holder, 'valueDateTime')) ||
    period(at(holder, 'valuePeriod')) ||
    text(holder, 'valueTime')
  );
}

/** A value with what was made of it; where there is none, why. */
function measured(holder: unknown): string {
  const why = concept(at(holder, 'dataAbsentReason'));
  const said = value(holder) || (why === '' ? '' : `no value: ${why}`);
  const interpreted = concepts(holder, 'interpretation');
  return interpreted === '' ? said : joined(' ', said, `(${interpreted})`);
}

/** The value, then the values of the components, a line each; a status that is not final is said. */
function values(resource: Json): readonly string[] {
  const parts = all(resource, 'component').map((part) =>
    joined(': ', concept(at(part, 'code')), measured(part)),
  );
  const preliminary = isOneOf(resource['status'], ['preliminary']) ? ['preliminary'] : [];
  return [measured(resource), ...parts, ...preliminary].filter((line) => line !== '');
}

/** A report: the results it refers to, as far as they may be seen, and its conclusion. */
function reported(resource: Json, record: RecordRows): Cell {
  const results = all(resource, 'result').flatMap((reference) => {
    const row = record.behind(text(reference, 'reference'));
    return row?.type === 'Observation'
      ? [joined(': ', concept(row.resource['code']), joined(', ', ...values(row.resource)))]
      : [];
  });
  return [...results, text(resource, 'conclusion'), ...codesAsWords(resource)].filter((line) => line !== '');
}

function codesAsWords(resource: Json): readonly string[] {
  return all(resource, 'conclusionCode').map(concept);
}

function takesCategory(...codes: readonly string[]): (resource: Json) => boolean {
  return (resource) => isOneOf(resource['category'], codes) && !isOneOf(resource['status'], WITHOUT_RESULT);
}

const isResult = takesCategory(...RESULT_CATEGORIES);
const isVitalSign = takesCategory('vital-signs');
const isSocialHistory = takesCategory('social-history');

/** Reports of any category, and results that no report of the section gathers. */
export const RESULTS: SectionRule = {
  title: 'Results',
  loinc: { code: '30954-2', display: 'Relevant diagnostic tests/laboratory data Narrative' },
  types: ['DiagnosticReport', 'Observation'],
  takes: (resource) =>
    resource['resourceType'] === 'DiagnosticReport'
      ? !isOneOf(resource['status'], WITHOUT_RESULT)
      : isResult(resource) && !isVitalSign(resource) && !isSocialHistory(resource),
  without(chosen) {
    const reports = chosen.filter((row) => row.type === 'DiagnosticReport');
    const gathered = reports.flatMap(({ resource }) => all(resource, 'result'));
    const literals = new Set(gathered.map((reference) => text(reference, 'reference')));
    return chosen.filter((row) => !literals.has(`${row.type}/${row.id}`));
  },
  when: effective,
  columns: ['Test', 'Result', 'Date'],
  cells: (row, record) => [
    concept(row.resource['code']),
    row.type === 'DiagnosticReport' ? reported(row.resource, record) : values(row.resource),
    shownDate(row.resource),
  ],
  most: MOST,
};

function observed({ resource }: ReadRow): readonly Cell[] {
  return [concept(resource['code']), values(resource), shownDate(resource)];
}

export const VITAL_SIGNS: SectionRule = {
  title: 'Vital signs',
  loinc: { code: '8716-3', display: 'Vital signs' },
  types: ['Observation'],
  takes: isVitalSign,
  when: effective,
  columns: ['Measurement', 'Value', 'Date'],
  cells: observed,
  most: MOST,
};

/** The newest answer to each question: IPS has one of smoking and one of alcohol. */
export const SOCIAL_HISTORY: SectionRule = {
  title: 'Social history',
  loinc: { code: '29762-2', display: 'Social history Narrative' },
  types: ['Observation'],
  takes: (resource) => isSocialHistory(resource) && !isVitalSign(resource),
  when: effective,
  columns: ['Subject', 'Answer', 'Date'],
  cells: observed,
  newestOf: (resource) => codeTokens(resource)[0] ?? concept(resource['code']),
};
