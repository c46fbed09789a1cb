import type { CoveredParameter, SearchCoverage, TypeCoverage } from './search-coverage.ts';

/** The coverage of searches as Markdown: an overview, then each type. */

export const BEGIN = '<!-- coverage:search -->';
export const END = '<!-- /coverage:search -->';

/** Puts the tables between the markers. @throws Error where the document lacks them */
export function withCoverage(document: string, coverage: SearchCoverage): string {
  const [before, rest] = split(document, BEGIN);
  const [, after] = split(rest, END);
  return `${before}${BEGIN}\n\n${coverageDocument(coverage)}\n${END}${after}`;
}

function split(text: string, marker: string): readonly [string, string] {
  const at = text.indexOf(marker);
  if (at < 0) throw new Error(`The document has no line ${marker}.`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}

export function coverageDocument({ types, results }: SearchCoverage): string {
  const sum = (of: (type: TypeCoverage) => number): number =>
    types.reduce((total, type) => total + of(type), 0);
  const common = commonTo(types);
  return [
    `Of ${sum(({ defined }) => defined)} parameters that R4 defines for ${types.length} types, ${sum(({ served }) => served)} are served.`,
    '',
    '| Type | R4 defines | served | what must be asked |',
    '|---|---|---|---|',
    ...types.map(
      ({ type, defined, served, notes }) => `| ${type} | ${defined} | ${served} | ${notes.join('; ')} |`,
    ),
    '',
    '### Of every type',
    '',
    ...rows(common),
    '',
    `For the answer: ${results.map((name) => `\`${name}\``).join(', ')}.`,
    '',
    '### Left out',
    '',
    '| Parameter | types | why |',
    '|---|---|---|',
    ...leftOut(types),
    '',
    ...types.flatMap((type) => section(type, common)),
  ].join('\n');
}

function key({ name, kind, modifiers, leadsTo, note }: CoveredParameter): string {
  return JSON.stringify([name, kind, modifiers, leadsTo, note]);
}

/** What nearly every type has in the same words is said once. */
function commonTo(types: readonly TypeCoverage[]): readonly CoveredParameter[] {
  const searched = types.filter(({ type, searched: is }) => is && type !== 'AuditEvent');
  const [first, ...others] = searched.map(({ parameters }) => parameters);
  return (first ?? []).filter((each) => others.every((list) => list.some((one) => key(one) === key(each))));
}

function leftOut(types: readonly TypeCoverage[]): readonly string[] {
  const byName = new Map<string, { reason: string; types: string[] }>();
  for (const { type, leftOut: list } of types) {
    for (const { name, reason } of list) {
      const known = byName.get(name) ?? { reason, types: [] };
      byName.set(name, { reason, types: [...known.types, type] });
    }
  }
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { reason, types: of }]) => {
      const where = of.length === types.length ? 'all' : of.join(', ');
      return `| \`${name}\` | ${where} | ${reason} |`;
    });
}

function section({ type, parameters }: TypeCoverage, common: readonly CoveredParameter[]): readonly string[] {
  const own = parameters.filter((each) => !common.some((one) => key(one) === key(each)));
  return own.length === 0 ? [] : [`### ${type}`, '', ...rows(own), ''];
}

/** Parameters alike in all but their names share a row. */
function rows(parameters: readonly CoveredParameter[]): readonly string[] {
  const groups = new Map<string, { readonly names: string[]; readonly parameter: CoveredParameter }>();
  for (const parameter of parameters) {
    const alike = key({ ...parameter, name: '' });
    const group = groups.get(alike);
    if (group === undefined) groups.set(alike, { names: [parameter.name], parameter });
    else group.names.push(parameter.name);
  }
  const lines = [...groups.values()].map(({ names, parameter: { kind, modifiers, leadsTo, note = '' } }) =>
    [
      names.map((name) => `\`${name}\``).join(', '),
      kind,
      modifiers.map((each) => `\`${each}\``).join(' '),
      leadsTo.join(', '),
      note,
    ].join(' | '),
  );
  return [
    '| Parameters | type | modifiers | lead to | here |',
    '|---|---|---|---|---|',
    ...lines.map((line) => `| ${line} |`),
  ];
}
