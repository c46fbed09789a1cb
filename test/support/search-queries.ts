import { escapeValue } from '../../src/fhir/search/escape.ts';
import { type IndexedParameter, indexedParameters } from '../../src/fhir/search/indexed.ts';
import { type Fields, fieldsOf, partsOf } from '../../src/fhir/search/line.ts';
import type { ParameterType } from '../../src/fhir/search/parameter.ts';
import { searchTable } from '../../src/fhir/search/tables.ts';

/** Queries made of the values that search lines hold. */

/** Parameters that have values of their own in a line. */
export function leafParameters(type: string): readonly (readonly [string, IndexedParameter])[] {
  return [...indexedParameters(type)].filter(([, { of, parts }]) => of === undefined && parts === undefined);
}

/** Queries that ask for one value of a line; none where no query can say it. */
export function queriesFor(type: string, name: string, raw: string): readonly string[] {
  const definition = searchTable(type)?.get(name);
  const indexed = indexedParameters(type).get(name);
  if (definition === undefined || indexed === undefined) return [];
  if (indexed.type === 'composite') {
    const parts = partsOf(raw).map((part, index) =>
      valueQuery(indexed.components?.[index]?.type ?? 'special', fieldsOf(part)),
    );
    return parts.every((part) => part !== undefined) ? [`${name}=${parts.join('$')}`] : [];
  }
  const fields = fieldsOf(raw);
  const [first = '', second = '', third = ''] = fields;
  const value = valueQuery(indexed.type, fields);
  const plain = value === undefined ? [] : [`${name}=${value}`, `${name}=${value},${value}`];
  switch (indexed.type) {
    case 'token':
      return [
        ...plain,
        ...(second === '' ? [] : [`${name}=${escapeValue(second)}`]),
        ...(first === '' ? [] : [`${name}=${escapeValue(first)}|`]),
        ...(third === '' ? [] : [`${name}:text=${escapeValue(third)}`]),
      ];
    case 'string':
      return [...plain, `${name}:exact=${value}`, `${name}:contains=${value}`];
    case 'reference': {
      const known =
        definition.targets === undefined || definition.targets.includes(first.split('/')[0] ?? '');
      const literal =
        /^[A-Za-z]+\/.+$/.test(first) && known ? [`${name}=${first}`, `${name}=${first.split('/')[1]}`] : [];
      return [
        ...literal,
        ...(third === '' ? [] : [`${name}:identifier=${escapeValue(second)}|${escapeValue(third)}`]),
      ];
    }
    default:
      return plain;
  }
}

function valueQuery(
  type: ParameterType,
  [first = '', second = '', , code = '', unit = '']: Fields,
): string | undefined {
  const at = (bound: string): string => new Date(Number(bound)).toISOString();
  switch (type) {
    case 'token':
      return second === '' ? undefined : `${escapeValue(first)}|${escapeValue(second)}`;
    case 'string':
      return escapeValue(first);
    case 'uri':
      return escapeValue(first);
    case 'date':
      return first === '' ? `lt${at(second)}` : `ge${at(first)}`;
    case 'quantity': {
      const called = escapeValue(code === '' ? unit : code);
      const amount = first === '' ? `le${second}` : first === second ? `eq${first}` : `ge${first}`;
      return called === '' ? amount : `${amount}||${called}`;
    }
    case 'reference':
      return /^[A-Za-z]+\/.+$/.test(first) ? first : undefined;
    default:
      return undefined;
  }
}
