import fc from 'fast-check';
import t from 'tap';
import { markDecimals, writeDecimals } from '../../src/fhir/decimals.ts';

const through = (text: string): string => {
  const marked = markDecimals(text);
  return marked === undefined
    ? JSON.stringify(JSON.parse(text))
    : writeDecimals(JSON.stringify(JSON.parse(marked)));
};

t.test('decimals leave with the digits they came with', async (t) => {
  const same = [
    '{"value":7.10}',
    '{"value":1.0,"other":[0.50,-3.140,12]}',
    '{"value":1e3}',
    '{"value":12345678901234567890}',
    '{"text":"7.10 and \\"8.20\\" \\\\","value":2.00}',
    '{"text":"ends with a backslash \\\\","value":2.00}',
    '{"value":0.1}',
  ];
  for (const text of same) t.equal(through(text), text);
});

t.test('nothing but numbers is touched, and what holds the mark already is left alone', async (t) => {
  t.equal(markDecimals('{"a":"1.50","b":1}'), undefined);
  t.equal(markDecimals('{"a":"\ue0001.50","b":1.50}'), undefined);
  t.equal(markDecimals('{"a":"\\ue0001.50","b":1.50}'), undefined);
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      return through(text) === text;
    }),
  );
});
