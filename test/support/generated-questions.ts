import fc from 'fast-check';
import { indexedParameters } from '../../src/fhir/search/indexed.ts';
import { fieldsOf } from '../../src/fhir/search/line.ts';

/*
 * Questions about one person, made from what is stored of them, hidden rows included: an answer that depends on a row the
 * caller may not see is the likelier for asking for just what stands in it.
 */

/** A stored row, as far as questions are made from it. */
export interface KnownRow {
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly line: string;
}

interface Condition {
  readonly name: string;
  readonly value: string;
}

const ESCAPED = /[\\,|$]/g;
const escaped = (text: string): string => encodeURIComponent(text.replace(ESCAPED, '\\$&'));
const PREFIXES = ['', '', '', 'eq', 'gt', 'ge', 'ge', 'lt', 'le', 'le', 'ne', 'sa', 'eb', 'ap'];

/** One entry of a search line as a condition that the row meets, or would with another prefix or modifier. */
function conditionOf(type: string, entry: string, prefix: string, twist: number): Condition | undefined {
  const at = entry.indexOf('=');
  const name = entry.slice(0, at);
  const [one = '', two = '', text = ''] = fieldsOf(entry.slice(at + 1));
  if (twist === 0) return { name: `${name}:missing`, value: 'false' };
  switch (indexedParameters(type).get(name)?.type) {
    case 'token':
      if (two === '')
        return text === '' ? undefined : { name: `${name}:text`, value: escaped(text.slice(0, 20)) };
      if (twist === 1) return { name: `${name}:not`, value: escaped(two) };
      return { name, value: twist === 2 && one !== '' ? `${escaped(one)}|${escaped(two)}` : escaped(two) };
    case 'date':
      if (one === '') return undefined;
      return { name, value: `${prefix}${new Date(Number(one)).toISOString().slice(0, 10)}` };
    case 'reference':
      return one.includes('/') ? { name, value: escaped(one) } : undefined;
    case 'string':
      if (one.trim() === '') return undefined;
      return twist === 1
        ? { name: `${name}:contains`, value: escaped(one.slice(1, 6) || one) }
        : { name, value: escaped(one) };
    case 'quantity':
      return one === '' ? undefined : { name, value: `${prefix}${one}` };
    case 'uri':
      return { name, value: escaped(one) };
    default:
      return undefined;
  }
}

const entriesOf = ({ line }: KnownRow): readonly string[] =>
  line.split('\t').filter((entry) => entry.includes('='));
/** References of a row: along which parameter, to what. */
const referencesOf = (row: KnownRow): readonly { readonly name: string; readonly target: string }[] =>
  entriesOf(row).flatMap((entry) => {
    const name = entry.slice(0, entry.indexOf('='));
    if (indexedParameters(row.type).get(name)?.type !== 'reference') return [];
    const target = fieldsOf(entry.slice(name.length + 1))[0] ?? '';
    return target.includes('/') ? [{ name, target }] : [];
  });

/**
 * @param person whose record
 * @param rows everything that is stored of them
 * @returns as many paths, the same for a seed
 */
export function questionsAbout(
  person: string,
  rows: readonly KnownRow[],
  count: number,
  seed: number,
): readonly string[] {
  const searched = rows.filter(({ type }) => !['Binary', 'Medication', 'Patient'].includes(type));
  const types = [...new Set(searched.map(({ type }) => type)), 'Patient'];
  const byType = new Map(types.map((type) => [type, searched.filter((row) => row.type === type)]));
  const byName = new Map(searched.map((row) => [`${row.type}/${row.id}`, row]));
  const links = searched.flatMap((row) => referencesOf(row).map((link) => ({ ...link, row })));
  const typeOf = (target: string): string => target.slice(0, target.indexOf('/'));
  const text = (c: Condition | undefined): string[] => (c === undefined ? [] : [`${c.name}=${c.value}`]);

  const condition = (row: KnownRow): fc.Arbitrary<Condition | undefined> =>
    fc
      .record({
        entry: fc.constantFrom('', ...entriesOf(row)),
        prefix: fc.constantFrom(...PREFIXES),
        twist: fc.nat(9),
      })
      .map(({ entry, prefix, twist }) =>
        entry === '' ? undefined : conditionOf(row.type, entry, prefix, twist),
      );
  /** the person is named once; what else names them would be refused */
  const plain = (type: string): fc.Arbitrary<string[]> => {
    const known = byType.get(type) ?? [];
    if (known.length === 0) return fc.constant([]);
    return fc
      .constantFrom(...known)
      .chain(condition)
      .map((c) => (c === undefined || /^(subject|patient)(:(?!Patient\.)|$)/.test(c.name) ? [] : text(c)));
  };
  const chained = (type: string): fc.Arbitrary<string[]> => {
    const leading = links.filter(({ row, target }) => row.type === type && byName.has(target));
    if (leading.length === 0) return fc.constant([]);
    return fc
      .constantFrom(...leading)
      .chain(({ name, target }) =>
        condition(byName.get(target) ?? leading[0]?.row ?? { type, id: '', version: 0, line: '' }).map((c) =>
          c === undefined ? [] : text({ name: `${name}:${typeOf(target)}.${c.name}`, value: c.value }),
        ),
      );
  };
  const having = (type: string): fc.Arbitrary<string[]> => {
    const coming = links.filter(({ target }) => typeOf(target) === type);
    if (coming.length === 0) return fc.constant([]);
    return fc
      .constantFrom(...coming)
      .chain(({ name, row }) =>
        condition(row).map((c) =>
          c === undefined ? [] : text({ name: `_has:${row.type}:${name}:${c.name}`, value: c.value }),
        ),
      );
  };
  const includes = (type: string): fc.Arbitrary<string[]> => {
    const out = links.filter(({ row }) => row.type === type).map(({ name }) => `_include=${type}:${name}`);
    const back = links
      .filter(({ target }) => typeOf(target) === type)
      .map(({ name, row }) => `_revinclude=${row.type}:${name}`);
    const on = links.flatMap(({ name, row }) => [
      `_include:iterate=${row.type}:${name}`,
      `_revinclude:iterate=${row.type}:${name}`,
    ]);
    return fc.array(fc.constantFrom(...new Set([...out, ...back, ...out, ...back, ...on])), { maxLength: 3 });
  };
  const results = (type: string): fc.Arbitrary<string[]> => {
    const names = [
      ...new Set(
        (byType.get(type) ?? []).flatMap(entriesOf).map((entry) => entry.slice(0, entry.indexOf('='))),
      ),
    ];
    const sortable = names.filter((name) => indexedParameters(type).get(name)?.type !== 'composite');
    const sort =
      sortable.length === 0
        ? fc.constant('')
        : fc.constantFrom(...sortable, ...sortable.map((name) => `-${name}`)).map((name) => `_sort=${name}`);
    return fc
      .tuple(
        fc.option(sort, { nil: '' }),
        fc.constantFrom('', '', '_count=1', '_count=2', '_count=5', '_count=1000', '_count=0'),
        fc.constantFrom(
          '',
          '',
          '',
          '_summary=true',
          '_summary=data',
          '_summary=count',
          '_total=none',
          '_elements=id,meta',
        ),
      )
      .map((parts) => parts.filter((part) => part !== ''));
  };
  const search = fc.constantFrom(...types).chain((type) =>
    fc
      .tuple(
        fc.oneof(plain(type), chained(type), having(type), fc.constant([])),
        fc.oneof(plain(type), fc.constant([]), fc.constant([])),
        includes(type),
        results(type),
        fc.nat(4),
      )
      .map(([one, two, company, given, byId]) => {
        const known = byType.get(type) ?? [];
        const id =
          byId === 0 && known.length > 0 ? [`_id=${known[(company.length * 7) % known.length]?.id}`] : [];
        const who = type === 'Patient' ? `_id=${person}` : `patient=${person}`;
        return `${type}?${[who, ...(type === 'Patient' ? [] : id), ...one, ...two, ...company, ...given].join('&')}`;
      }),
  );
  const one = fc
    .tuple(
      fc.constantFrom(...rows.filter(({ type }) => type !== 'Patient')),
      fc.constantFrom(
        '',
        '/_history',
        '/_history/1',
        '/_history/V',
        '?_id',
        '?_elements=meta',
        '?_summary=true',
      ),
    )
    .map(([{ type, id, version }, what]) =>
      what === '?_id' ? `${type}?_id=${id}` : `${type}/${id}${what.replace('V', String(version))}`,
    );
  const whole = fc
    .tuple(
      fc.subarray(types, { maxLength: 3 }),
      fc.constantFrom('', '_since=2020-01-01', 'start=2026-01-05', 'start=1998-01-01&end=2000-01-01'),
      fc.constantFrom('', '_count=3', '_count=0'),
    )
    .map(
      ([some, when, page]) =>
        `Patient/${person}/$everything?${[some.length > 0 ? `_type=${some.join(',')}` : '', when, page].filter((part) => part !== '').join('&')}`,
    );
  const question = fc.oneof(
    { weight: 8, arbitrary: search },
    { weight: 2, arbitrary: one },
    { weight: 1, arbitrary: whole },
  );
  return [...fc.sample(question, { numRuns: count, seed }), `Patient/${person}/$summary`];
}
