import fc from 'fast-check';
import t from 'tap';
import { markDecimals } from '../../../src/fhir/decimals.ts';
import { Problem } from '../../../src/fhir/problem.ts';
import { searchLine } from '../../../src/fhir/search/extract.ts';
import { indexedParameters } from '../../../src/fhir/search/indexed.ts';
import {
  type Fields,
  fieldsOf,
  hasValue,
  itemsField,
  itemsOf,
  LineWriter,
  partsOf,
  valuesIn,
} from '../../../src/fhir/search/line.ts';
import { matchesParameter } from '../../../src/fhir/search/match.ts';
import { SERVED_NAMES } from '../../../src/fhir/served.ts';
import { leafParameters, queriesFor } from '../../support/search-queries.ts';
import { anyResource, resourceWith, text } from '../../support/searchable-resources.ts';
import { finds, NOW, searchedOf } from '../../support/searching.ts';

t.test('a line is written and read', async (t) => {
  const observation = {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 's', code: 'a', display: 'A' }, { code: 'b' }], text: 'T\tT' },
    subject: { reference: 'Patient/p' },
    effectiveDateTime: '2024-01-01',
    component: [{ code: { coding: [{ code: 'c' }] }, valueQuantity: { value: 1, unit: 'u' } }],
  };
  const line = searchLine(observation);
  const values = (name: string): readonly Fields[] => valuesIn(line, name).map(fieldsOf);
  t.strictSame(values('code'), [
    ['s', 'a', 'A'],
    ['', 'b'],
    ['', '', 'T T'],
  ]);
  t.strictSame(values('status'), [['http://hl7.org/fhir/observation-status', 'final']]);
  t.strictSame(values('subject'), [['Patient/p']]);
  t.strictSame(values('date'), [[String(Date.UTC(2024, 0, 1)), String(Date.UTC(2024, 0, 2))]]);
  t.strictSame(
    valuesIn(line, 'component-code-value-quantity').map((value) => partsOf(value).map(fieldsOf)),
    [
      [
        ['', 'c'],
        ['1', '1', '', '', 'u'],
      ],
    ],
  );
  for (const name of ['patient', 'combo-code', 'code-value-quantity'])
    t.notOk(hasValue(line, name), `${name} is not written twice`);
  for (const name of ['cod', 'component', 'constructor', '__proto__', ''])
    t.strictSame(valuesIn(line, name), [], name);
  t.equal(searchLine({ resourceType: 'Observation' }), '');
  for (const resourceType of ['Basic', 'constructor', '__proto__', undefined])
    t.equal(searchLine({ resourceType, status: 'x' }), '');
  t.equal(valuesIn('', 'code').length, 0);
});

t.test('what is written is read again, whatever it is, and the same only once', async () => {
  const field = fc.string({ unit: fc.constantFrom('a', '=', ' ', '|', '\\', 'é', ',') });
  const entries = fc.array(
    fc.tuple(
      fc.constantFrom('a', 'b', 'a-b', '_a'),
      fc.array(fc.array(field, { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    ),
    { maxLength: 6 },
  );
  const withoutEnd = (fields: Fields): Fields => {
    const last = fields.findLastIndex((each) => each !== '');
    return last < 0 ? [''] : fields.slice(0, last + 1);
  };
  fc.assert(
    fc.property(entries, (all) => {
      const writer = new LineWriter();
      for (const [name, parts] of [...all, ...all]) writer.addParts(name, parts);
      for (const name of ['a', 'b', 'a-b', '_a', 'c']) {
        const wanted = all
          .filter(([each]) => each === name)
          .map(([, parts]) => JSON.stringify(parts.map(withoutEnd)));
        const read = valuesIn(writer.text(), name).map((value) =>
          JSON.stringify(partsOf(value).map(fieldsOf)),
        );
        if (JSON.stringify([...new Set(wanted)]) !== JSON.stringify(read)) return false;
      }
      return true;
    }),
  );
  fc.assert(
    fc.property(
      fc.array(field, { minLength: 1 }),
      (items) => itemsOf(itemsField(items)).join('\n') === items.join('\n'),
    ),
  );
});

t.test('a decimal that keeps its digits has the same value', async (t) => {
  const written = '{"resourceType":"Observation","valueQuantity":{"value":7.10,"code":"x"}}';
  t.equal(searchLine(JSON.parse(markDecimals(written) ?? '')), searchLine(JSON.parse(written)));
});

t.test('a resource is found by each of its values, and by what is not another', async (t) => {
  const asked = new Map<string, number>();
  fc.assert(
    fc.property(anyResource, (resource) => {
      const type = resource.resourceType;
      const searched = searchedOf(resource);
      for (const [name, indexed] of leafParameters(type)) {
        for (const raw of valuesIn(searched.line, name)) {
          for (const query of queriesFor(type, name, raw)) {
            if (!finds(query, resource)) throw new Error(`${type}?${query} does not find it.`);
            asked.set(indexed.type, (asked.get(indexed.type) ?? 0) + 1);
          }
        }
      }
    }),
    { numRuns: 1500 },
  );
  for (const type of ['token', 'string', 'date', 'reference', 'quantity', 'uri', 'composite']) {
    t.ok((asked.get(type) ?? 0) > 20, `${type}: ${asked.get(type)} values were asked for`);
  }
});

/** Queries of one type, from the values of some resource of that type or from nowhere. */
const queriesAndResource = anyResource.chain((resource) => {
  const { resourceType: type } = resource;
  const own = leafParameters(type).flatMap(([name]) =>
    valuesIn(searchLine(resource), name).flatMap((raw) => queriesFor(type, name, raw)),
  );
  const names = [...indexedParameters(type).keys()];
  const other = fc
    .tuple(
      fc.constantFrom(...names, '_id'),
      fc.constantFrom(
        '',
        ':not',
        ':text',
        ':missing',
        ':exact',
        ':contains',
        ':below',
        ':above',
        ':identifier',
        ':of-type',
        ':Patient',
        '.name',
      ),
      fc.oneof(
        text,
        fc.constantFrom(
          'a',
          'true',
          '2024-02',
          'ge5',
          'urn:a|a',
          '1',
          'Patient/1',
          'a$1',
          'urn:a|a|a',
          'a,b',
        ),
      ),
    )
    .map(([name, suffix, value]) => `${name}${suffix}=${value}`)
    .filter((query) => isReadable(type, query));
  const query = own.length === 0 ? other : fc.oneof(fc.constantFrom(...own), other);
  return fc.record({ resource: fc.constant(resource), a: query, b: query });
});

function isReadable(type: string, query: string): boolean {
  try {
    finds(query, { resourceType: type });
    return true;
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}

t.test(
  'every query that can be read has an answer; conditions are an intersection, lists a union',
  async (t) => {
    let [both, lists] = [0, 0];
    fc.assert(
      fc.property(queriesAndResource, ({ resource, a, b }) => {
        const [one, other] = [finds(a, resource), finds(b, resource)];
        if (finds(`${a}&${b}`, resource) !== (one && other)) return false;
        both += Number(one && other);
        const [name, ...first] = a.split('=');
        const [second, ...rest] = b.split('=');
        if (name !== second || name?.endsWith(':not')) return true;
        lists += 1;
        return finds(`${name}=${first.join('=')},${rest.join('=')}`, resource) === (one || other);
      }),
      { numRuns: 3000 },
    );
    t.ok(both > 100, `${both} found by both`);
    t.ok(lists > 50, `${lists} lists`);
  },
);

t.test(':not is the complement, and so is what is missing of what is not', async (t) => {
  let asked = 0;
  fc.assert(
    fc.property(queriesAndResource, ({ resource, a }) => {
      const { resourceType: type } = resource;
      for (const [name, indexed] of indexedParameters(type)) {
        // read by whoever searches, and by no line
        if (indexed.type === 'special') continue;
        if (finds(`${name}:missing=true`, resource) === finds(`${name}:missing=false`, resource))
          return false;
        const has = hasValue(searchLine(resource), name);
        const own =
          indexed.of === undefined &&
          indexed.parts === undefined &&
          (indexed.components === undefined || indexed.bases !== undefined);
        if (own && finds(`${name}:missing=false`, resource) !== has) return false;
      }
      const [name = '', ...value] = a.split('=');
      if (indexedParameters(type).get(name)?.type !== 'token') return true;
      asked += 1;
      return finds(a, resource) !== finds(`${name}:not=${value.join('=')}`, resource);
    }),
    { numRuns: 800 },
  );
  t.ok(asked > 50, `${asked} asked for`);
});

t.test('a value is one of the parameters that look where it stands, and of no other', async () => {
  const anyOne = fc.constantFrom(...SERVED_NAMES).chain(resourceWith);
  fc.assert(
    fc.property(anyOne, ({ resource, path }) => {
      const line = searchLine(resource);
      for (const [name, { leaves = [], bases = [], components = [] }] of leafParameters(
        resource.resourceType,
      )) {
        const paths = [
          ...leaves,
          ...bases.flatMap((base) =>
            components.flatMap((each) =>
              (each.leaves ?? []).map((leaf) => ({ ...leaf, path: [...base, ...leaf.path] })),
            ),
          ),
        ];
        const looks = paths.some(
          (leaf) =>
            leaf.path.every((step, index) => step === path[index]) ||
            path.every((step, index) => step === leaf.path[index]),
        );
        if (!looks && hasValue(line, name))
          throw new Error(`${name} has a value from ${path.join('.')}: ${line}`);
      }
    }),
    { numRuns: 3000 },
  );
});

t.test('whatever stands in a resource, and whatever is asked, nothing is thrown', async () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...SERVED_NAMES),
      fc.array(fc.tuple(fc.nat(), fc.jsonValue())),
      (type, members) => {
        const tops = [...indexedParameters(type).values()].flatMap(({ leaves = [], bases = [] }) => [
          ...leaves.map(({ path }) => path[0] ?? 'x'),
          ...bases.map((base) => base[0] ?? 'x'),
        ]);
        const resource = Object.fromEntries(
          members.map(([index, value]) => [tops[index % tops.length] ?? 'x', value]),
        );
        searchLine({ ...resource, resourceType: type });
      },
    ),
    { numRuns: 2000 },
  );
  const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty', ''];
  for (const name of names) {
    const parameter = { name, values: [{ kind: 'token', code: 'x' }] } as const;
    if (matchesParameter(searchedOf({ resourceType: 'Observation', status: 'final' }), parameter, NOW))
      throw new Error(name);
    if (matchesParameter(searchedOf({ resourceType: name, status: 'final' }), parameter, NOW))
      throw new Error(name);
  }
});
