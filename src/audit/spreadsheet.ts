/**
 * CSV that is opened in a spreadsheet by people: no cell is a formula, whatever a source wrote (attack catalogue V-06).
 * RFC 4180, every cell in quotes.
 */

/** What opens a formula once full-width and small forms are read as what they stand for. */
const OPENS = '=+\\-@\u2212';
/** What spreadsheets and people pass over at the beginning of a cell. */
const PASSED_OVER = '\\s"\'`\u2018\u2019\u201c\u201d\\p{Cc}\\p{Cf}';
const FORMULA = new RegExp(`^[${PASSED_OVER}]*[${OPENS}]|^["' ]*[\\t\\r\\n]`, 'u');
/** Where another separator than ours would begin a cell: a formula must not follow it either. */
const INNER = new RegExp(`([;,|\\t][${PASSED_OVER}]*)(?=[${OPENS}])`, 'gu');
const CONTROLS = /\p{Cc}+/gu;

/** One line, its end included. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

/** One cell: quoted, on one line, with an apostrophe before whatever could be taken for a formula. */
export function csvCell(text: string): string {
  // whatever its form, a sign is judged, and written, as the plain one it is read as
  const plain = text.normalize('NFKC');
  const safe = FORMULA.test(plain) ? `'${plain}` : plain;
  const oneLine = safe.replace(INNER, "$1'").replace(CONTROLS, ' ');
  return `"${oneLine.replaceAll('"', '""')}"`;
}
