import { section, table } from '../markdown.ts';
import type { Preview, PreviewedType } from './preview.ts';

/** A preview as a page of Markdown, for a source's engineers. Pure; it says no more than the preview does. */
export function previewPage(preview: Preview, title = 'Preview'): string {
  const sections = [
    heading(preview, title),
    types(preview),
    reasons(preview, 'Withheld by the sharing policy', ({ withheld }) => withheld),
    reasons(preview, 'Elements left out of rows that are shared', ({ removed }) => removed),
    reasons(preview, 'May not be held', ({ notHeld }) => notHeld),
    reasons(preview, 'Rejected', ({ rejected }) => rejected),
    faults(preview),
    columns(preview),
    people(preview),
    section('Not judged here', preview.notJudged.map((sentence) => `- ${sentence}`).join('\n')),
  ];
  return `${sections.filter((part) => part !== '').join('\n\n')}\n`;
}

/** What another policy would change: every number of the two previews that differs. */
export function comparisonPage(now: Preview, proposed: Preview): string {
  const names = [...new Set([...Object.keys(now.types), ...Object.keys(proposed.types)])].sort();
  const rows = names.flatMap((type) => {
    const [before, after] = [flat(now.types[type]), flat(proposed.types[type])];
    const what = [...new Set([...before.keys(), ...after.keys()])];
    return what.flatMap((each) => {
      const [from, to] = [before.get(each) ?? 0, after.get(each) ?? 0];
      return from === to ? [] : [[type, each, from, to]];
    });
  });
  if (rows.length === 0)
    return `${section('What the proposed policy changes', 'Nothing in this extract.')}\n`;
  return `${section('What the proposed policy changes', table(['Type', 'What', 'Now', 'Proposed'], rows))}\n`;
}

function flat(type: PreviewedType | undefined): ReadonlyMap<string, number> {
  if (type === undefined) return new Map();
  const { shared, withheld, removed, notHeld, rejected, notServed, unreferenced } = type;
  const named = (word: string, counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([reason, count]) => [`${word}: ${reason}`, count] as const);
  return new Map([
    ['shared', shared],
    ...named('withheld', withheld),
    ...named('without', removed),
    ...named('may not be held', notHeld),
    ...named('rejected', rejected),
    ['not served', notServed],
    ['not referred to', unreferenced],
  ]);
}

function heading({ source, result, reason, businessDate, sequence, kind, format }: Preview, title: string) {
  const what =
    result === 'read'
      ? 'Read as a load would, and not loaded: nothing was written to the record.'
      : 'Refused: a load would not take it, and the record would stand as it is.';
  const why = reason === undefined ? '' : `\n\n${reason.sentence} (${reason.rule})`;
  const facts =
    businessDate === undefined ? '' : `\n\n${businessDate}, sequence ${sequence}, ${kind}, ${format}.`;
  return `# ${title}: ${source}\n\n${what} This page holds no personal data.${why}${facts}`;
}

function types({ types: all }: Preview): string {
  const rows = Object.entries(all).map(([type, of]) => [
    type,
    of.shared,
    sum(of.withheld),
    sum(of.removed),
    sum(of.notHeld),
    sum(of.rejected),
    of.notServed,
    of.unreferenced,
  ]);
  if (rows.length === 0) return '';
  const head = ['Type', 'Shared', 'Withheld', 'Elements left out', 'May not be held', 'Rejected'];
  return section('Rows', table([...head, 'Not served', 'Not referred to'], rows));
}

function reasons(
  { types: all }: Preview,
  title: string,
  of: (type: PreviewedType) => Readonly<Record<string, number>>,
): string {
  const rows = Object.entries(all).flatMap(([type, each]) =>
    Object.entries(of(each)).map(([why, count]) => [type, why, count]),
  );
  return rows.length === 0 ? '' : section(title, table(['Type', 'What', 'Rows'], rows));
}

function faults({ faults: seen }: Preview): string {
  if (seen.length === 0) return '';
  const rows = seen.map(({ file, rule, element = '', hint, lines }) => [
    file,
    lines.join(', '),
    element,
    rule,
    hint,
  ]);
  return section('Where', table(['File', 'First lines', 'Element', 'Rule', 'Hint'], rows));
}

function columns({ columns: notes }: Preview): string {
  if (notes.length === 0) return '';
  const rows = notes.map(({ file, column, why, filled }) => [
    file,
    column,
    why === 'never-held' ? 'never held: dropped' : 'not read',
    filled,
  ]);
  return section('Columns that are not read', table(['File', 'Column', 'Why', 'Cells filled'], rows));
}

function people({ patients, consent }: Preview): string {
  const by = (state: string, counts: Readonly<Record<string, number>>): (readonly [string, number])[] =>
    Object.entries(counts).map(([reason, count]) => [`${state}: ${reason}`, count]);
  const rows: (readonly [string, number])[] = [
    ['patients accepted', patients.accepted],
    ['patients unmatched: no verified NHS number', patients.unmatched],
    ['patients of organisations that have not signed', patients.withheld],
    ...by('patients quarantined', patients.quarantined),
    ...by('patients who may not be held', patients.refused),
    ['patients restricted (S-flag)', patients.restricted],
    ['opt-outs in force: nothing of the person is shown', consent.optedOut],
    ['agreements in force (social care)', consent.agreementsInForce],
    ['consents that do not count (draft, inactive, in error)', consent.ignored],
  ];
  return section('Patients and consent', table(['What', 'Number'], rows));
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
