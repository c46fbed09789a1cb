import t from 'tap';
import { Problem } from '../../../src/fhir/problem.ts';
import { searchLine } from '../../../src/fhir/search/extract.ts';
import { indexedParameters } from '../../../src/fhir/search/indexed.ts';
import { valuesIn } from '../../../src/fhir/search/line.ts';
import { sharedData } from '../../real/shared-data.ts';
import { MedplumSearch, publishedExamples, publishedParameters } from '../../support/published-search.ts';
import { DIFFERENCES } from '../../support/search-differences.ts';
import { queriesFor } from '../../support/search-queries.ts';
import { finds, type Resource } from '../../support/searching.ts';

/** The matcher beside Medplum's, over HL7's examples, with queries made of what stands in them and of near misses. */

const data = sharedData();
const skip = data === undefined && 'no shared data';
const QUERIES = 2000;

/** mulberry32: the same queries in every run. */
function seeded(seed: number): <T>(from: readonly T[]) => T {
  let state = seed;
  return (from) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    const one = from[((mixed ^ (mixed >>> 14)) >>> 0) % from.length];
    if (one === undefined) throw new Error('There is nothing to choose from.');
    return one;
  };
}

type Choose = ReturnType<typeof seeded>;

const PREFIXES = ['', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'];
const MODIFIERS: Readonly<Record<string, readonly string[]>> = {
  token: ['', '', '', ':not', ':text', ':missing'],
  string: ['', '', ':exact', ':contains', ':missing'],
  date: ['', '', '', '', ':missing'],
  reference: ['', '', '', ':identifier', ':missing', ':Patient', ':Practitioner'],
  quantity: ['', '', '', '', ':missing'],
  uri: ['', '', ':below', ':above', ':missing'],
  composite: ['', '', '', ':missing'],
};

/** A value as it stands, or not quite. */
function nearly(kind: string, value: string, choose: Choose): string {
  switch (kind) {
    case 'date': {
      const [, text = ''] = /^[a-z]{2}(.*)$/.exec(value) ?? [];
      const cut = choose([
        text.slice(0, 4),
        text.slice(0, 7),
        text.slice(0, 10),
        text.slice(0, 10),
        text,
        `${text.slice(0, 16)}Z`,
      ]);
      const shifted = choose([
        cut,
        cut,
        cut.replace(/^\d{4}/, (year) => String(Number(year) + 1)),
        cut.replace(/-01/, '-02'),
      ]);
      return choose(PREFIXES) + shifted;
    }
    case 'quantity': {
      const [, amount = '', rest = ''] = /^[a-z]{2}(-?[\d.]+)(.*)$/.exec(value) ?? [];
      const number = choose([
        amount,
        amount,
        String(Number(amount) + 1),
        String(Math.round(Number(amount))),
        `${amount}${amount.includes('.') ? '' : '.'}0`,
      ]);
      return choose(PREFIXES) + number + choose([rest, rest, '', rest.replace(/.$/, 'x')]);
    }
    default:
      return choose([
        value,
        value,
        value,
        value.toUpperCase(),
        value.slice(0, -1) || value,
        value.slice(0, Math.ceil(value.length / 2)),
        value.slice(1) || value,
        `${value}x`,
        value.split('|').at(-1) || value,
        `|${value.split('|').at(-1)}`,
        value.split('/').at(-1) || value,
      ]);
  }
}

/** A query of one parameter; undefined where what came out of it cannot be read. */
function made(
  resources: readonly Resource[],
  choose: Choose,
):
  | { readonly type: string; readonly name: string; readonly modifier: string; readonly value: string }
  | undefined {
  const { resourceType: type, ...from } = choose(resources);
  const line = searchLine({ resourceType: type, ...from });
  // of our own parameters Medplum knows nothing
  const published = [...indexedParameters(type)].filter(([, { url }]) => url.startsWith('http://hl7.org/'));
  const [name, { type: kind }] = choose(published);
  const modifier = choose(MODIFIERS[kind] ?? ['']);
  const sources = indexedParameters(type).get(name)?.parts ?? [indexedParameters(type).get(name)?.of ?? name];
  const own = sources.flatMap((each) => valuesIn(line, each).flatMap((raw) => queriesFor(type, each, raw)));
  const values = own
    .map((query) => query.slice(query.indexOf('=') + 1))
    .filter((value) => !/(?<!\\),/.test(value));
  if (modifier !== ':missing' && values.length === 0) return undefined;
  const one = (): string => nearly(kind, choose(values), choose);
  // Medplum takes the prefix of a list from its first value
  const listed = ['token', 'string', 'uri', 'reference'].includes(kind) && choose([false, false, true]);
  const value = modifier === ':missing' ? choose(['true', 'false']) : listed ? `${one()},${one()}` : one();
  try {
    finds(`${name}${modifier}=${value}`, { resourceType: type });
    return { type, name, modifier, value };
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

t.test('the matcher answers as Medplum does, but for differences that have a reason', { skip }, async (t) => {
  const medplum = new MedplumSearch();
  const resources = publishedExamples(data ?? '');
  const expressions = new Map(
    publishedParameters(data ?? '').flatMap(({ base = [], code, expression = '' }) =>
      base.map((type) => [`${type}.${code}`, expression]),
    ),
  );
  const choose = seeded(20260201);
  const counts = new Map<string, number>();
  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
  const queries = new Set<string>();
  let hits = 0;
  while (queries.size < QUERIES) {
    const query = made(resources, choose);
    if (query === undefined) continue;
    const { type, name, modifier, value } = query;
    const text = `${name}${modifier}=${value}`;
    if (queries.has(`${type}?${text}`)) continue;
    queries.add(`${type}?${text}`);
    for (const resource of resources.filter(({ resourceType }) => resourceType === type)) {
      const ours = finds(text, resource);
      hits += Number(ours);
      count('compared');
      if (ours === medplum.finds(text, resource)) continue;
      const indexed = indexedParameters(type).get(name) ?? { type: 'special', url: '' };
      const found = medplum.values(
        expressions.get(`${type}.${name}`) ?? expressions.get(`Resource.${name}`) ?? '',
        resource,
      );
      // of a list each value that is answered otherwise has a reason of its own
      const reasons = value.split(/(?<!\\),/).flatMap((each) => {
        const one = `${name}${modifier}=${each}`;
        const answer = finds(one, resource);
        if (answer === medplum.finds(one, resource)) return [];
        const difference = { resource, name, indexed, modifier, value: each, found, ours: answer };
        return [DIFFERENCES.find(({ explains }) => explains(difference))?.reason];
      });
      const [reason] = reasons;
      if (reason === undefined || reasons.includes(undefined)) {
        t.fail(`${type}?${text} of ${resource.id}: ${ours ? 'found' : 'not found'}`, {
          found: JSON.stringify(found),
        });
      }
      count(reason ?? 'without a reason');
    }
  }
  t.ok(hits > QUERIES, `${hits} found`);
  t.strictSame(
    DIFFERENCES.filter(({ reason }) => !counts.has(reason)).map(({ reason }) => reason),
    [],
    'each reason is still one',
  );
  t.comment(`${queries.size} queries`);
  for (const [what, number] of counts) t.comment(`${number} ${what}`);
});
