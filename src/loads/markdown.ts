/** Parts of a page of Markdown that is also readable as it is. Pure. */

export function section(title: string, body: string): string {
  return `## ${title}\n\n${body}`;
}

/** Cells are our own words, numbers, codes of the configuration and file names of a checked form. */
export function table(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => String(cell).replace(/[|\r\n]/g, ' ')).join(' | ')} |`;
  const rule = `|${columns.map(() => '---').join('|')}|`;
  return [line(columns), rule, ...rows.map(line)].join('\n');
}
