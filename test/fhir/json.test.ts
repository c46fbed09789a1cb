import fc from 'fast-check';
import t from 'tap';
import { indented } from '../../src/fhir/indent.ts';
import { readJsonBody } from '../../src/fhir/json-body.ts';
import { lastUpdatedOf } from '../../src/fhir/last-updated.ts';
import { Problem } from '../../src/fhir/problem.ts';

function refusal(text: string): string | undefined {
  try {
    readJsonBody(text);
    return undefined;
  } catch (error) {
    return error instanceof Problem && error.kind === 'invalid' ? error.message : String(error);
  }
}

const nested = (depth: number): string => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`;

/** Any JSON object whose names are not JavaScript's own. */
const anyObject = fc
  .dictionary(
    fc.string().filter((name) => name !== '__proto__' && name !== 'constructor'),
    fc.jsonValue({ maxDepth: 6 }),
  )
  .filter(
    (value) =>
      refusal(JSON.stringify(value)) === undefined ||
      !/_proto_|constructor|\\u0000/.test(JSON.stringify(value)),
  );

t.test('the body of an operation is read in the one way that every parser would', async (t) => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['', /not JSON/],
    ['{"a":1', /not JSON/],
    ["{'a':1}", /not JSON/],
    ['{"a":1}{"b":2}', /not JSON/],
    ['{"a":NaN}', /not JSON/],
    ['[]', /JSON object/],
    ['null', /JSON object/],
    ['"text"', /JSON object/],
    ['\ufeff{"a":1}', /byte order mark/],
    ['{"a":"x\\u0000"}', /NUL/],
    ['{"a":"\\\\\\u0000"}', /NUL/],
    ['{"a\\u0000":1}', /NUL/],
    ['{"a":1,"a":2}', /twice/],
    ['{"a":1,"\\u0061":2}', /twice/],
    ['{"b":[{"c":{"a":1 , "a" : 2}}]}', /twice/],
    ['{"__proto__":{}}', /does not have/],
    ['{"a":[{"\\u005f_proto__":1}]}', /does not have/],
    ['{"a":{"constructor":{"prototype":{}}}}', /does not have/],
    [nested(65), /deeper than 64/],
    [nested(9000), /deeper than 64/],
    ['['.repeat(200_000), /deeper than 64/],
    ['{"a":"\u0000"}', /not JSON/],
  ];
  for (const [text, message] of wrong) t.match(refusal(text), message, text.slice(0, 40));
  const right = [
    '{}',
    '{"a":"\\\\u0000 is written out"}',
    '{"a":{"a":{"a":1}},"b":{"a":1}}',
    '{"a":"__proto__","b":"\\"a\\":1,\\"a\\":2"}',
    '{"a":["constructor",":"]}',
    ' \n{"resourceType":"Parameters"}\n',
    nested(64),
  ];
  for (const text of right) t.strictSame(readJsonBody(text), JSON.parse(text), text.slice(0, 40));
  fc.assert(
    fc.property(anyObject, (value) => {
      const text = JSON.stringify(value);
      t.strictSame(readJsonBody(text), JSON.parse(text));
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      const message = refusal(text);
      return message === undefined || message.startsWith('The body');
    }),
  );
});

t.test(
  'a body with one member named twice is refused, wherever that is and however it is spelt',
  async () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z]{1,8}$/),
        fc.jsonValue({ maxDepth: 3 }),
        fc.nat(20),
        (name, value, depth) => {
          const spelt = [...name].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
          const inner = `{"${name}":${JSON.stringify(value).replace(/__proto__|constructor|\\u0000/g, 'x')},"${spelt}":1}`;
          return /twice/.test(refusal('{"x":['.repeat(depth) + inner + ']}'.repeat(depth)) ?? '');
        },
      ),
    );
  },
);

t.test('JSON is indented as JSON.stringify does, and nothing of it is rewritten', async (t) => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.constantFrom(undefined, 1, 4, '\t'),
      (value, space) =>
        // what is indented already is indented again
        indented(JSON.stringify(value, null, space)) === JSON.stringify(value, null, 2),
    ),
  );
  t.equal(
    indented(
      '{"value":7.10,"big":12345678901234567890,"e":1e3,"t":"\\u00e9 7.10, [\\" ]","2":1,"1":[],"o":{ }}',
    ),
    '{\n  "value": 7.10,\n  "big": 12345678901234567890,\n  "e": 1e3,\n  "t": "\\u00e9 7.10, [\\" ]",\n  "2": 1,\n  "1": [],\n  "o": {}\n}',
    'digits, escapes and order stay',
  );
});

t.test('when a resource was last updated is read from its meta alone', async (t) => {
  const at = Date.UTC(2026, 10, 22, 9, 8, 7, 650);
  const lastUpdated = '2026-11-22T09:08:07.650Z';
  const meta = JSON.stringify({ versionId: '3', lastUpdated });
  t.equal(lastUpdatedOf(`{"resourceType":"Condition","id":"x","meta":${meta},"code":{}}`), at);
  t.equal(
    lastUpdatedOf(
      `{"a":"\\"meta\\":1","contained":[{"meta":{"lastUpdated":"2001-01-01T00:00:00Z"}}],"n":-1.50 , "b":true, "meta" : ${meta}}`,
    ),
    at,
  );
  t.equal(lastUpdatedOf(`{"contained":[{"meta":${meta}}]}`), undefined, 'not of what it contains');
  t.equal(lastUpdatedOf(`{"text":${JSON.stringify(`"meta":${meta}`)}}`), undefined, 'nor out of a text');
  for (const other of [
    '{}',
    '{"meta":{}}',
    '{"meta":{"lastUpdated":7}}',
    '{"meta":null}',
    '{"meta":{"lastUpdated":"soon"}}',
  ]) {
    t.equal(lastUpdatedOf(other), undefined, other);
  }
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.option(fc.date({ noInvalidDate: true })),
      fc.nat(4),
      (other, date, space) => {
        const { meta: _, ...rest } = other;
        const said = date === null ? rest : { ...rest, meta: { lastUpdated: date } };
        return (
          lastUpdatedOf(JSON.stringify(said, null, space)) === (date === null ? undefined : date.getTime())
        );
      },
    ),
  );
});
