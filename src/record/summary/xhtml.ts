/**
 * Narrative of our own making (R4 narrative.html): a few plain elements without attributes, and text that can be
 * nothing but text. Whatever a partner sends as a name or display is inert here (attack catalogue V-01, V-02).
 */

/** One line of a cell, or several. */
export type Cell = string | readonly string[];

/** A text longer than this is cut: the resource has all of it. */
const LONGEST = 500;

/**
 * What could change how the text around it reads: control characters, bidirectional overrides and other invisible
 * format characters, halves of surrogate pairs, and what is no character. The two joiners stay: scripts need them.
 */
const UNFIT = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Noncharacter_Code_Point}]/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text from outside as XHTML text: one line, cut, escaped; an odd character is seen as U+FFFD. */
export function plain(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return shortened(line)
    .replace(UNFIT, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

function shortened(text: string): string {
  if (text.length <= LONGEST) return text;
  // between the halves of a pair there is no place to cut
  const half = /[\ud800-\udbff]$/.test(text.slice(0, LONGEST));
  return `${text.slice(0, half ? LONGEST - 1 : LONGEST)}…`;
}

/** A paragraph of our own words; numbers and the like may stand in it, a partner's text has a cell of its own. */
export function paragraph(words: string): string {
  return `<p>${plain(words)}</p>`;
}

/** A table; without rows nothing. Each value has a cell to itself, so that no direction of writing spreads. */
export function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return '';
  const head = columns.map((column) => `<th>${plain(column)}</th>`).join('');
  const body = rows.map((cells) => `<tr>${cells.map(cell).join('')}</tr>`).join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

function cell(value: Cell): string {
  const lines = typeof value === 'string' ? [value] : value;
  return `<td>${lines.map(plain).join('<br/>')}</td>`;
}

/** A Narrative's text made of the above. */
export function narrative(...parts: readonly string[]): { status: 'generated'; div: string } {
  const div = `<div xmlns="http://www.w3.org/1999/xhtml" lang="en-GB" xml:lang="en-GB">${parts.join('')}</div>`;
  return { status: 'generated', div };
}
