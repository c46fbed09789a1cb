import type { TypedValue } from '@medplum/core';
import type { IndexValue } from './index-values.ts';
import { listOf } from './people.ts';
import type { Json } from './shared-data.ts';

/** How a search asks for an index value, in every way that R4 gives for its type (search.html#ptypes). */

/** Conditions that all hold: what follows the parameter's name, and the value. */
export type Form = readonly (readonly [suffix: string, text: string])[];

/** Where a reference leads now: `Type/id`, an identifier in its place, or nowhere. */
export type Now = (reference: unknown) => Json | undefined;

/** @returns none where there is nothing to ask for */
export function formsOf({ kind, value, parts }: IndexValue, now: Now): readonly Form[] {
  if (parts === undefined) return formsOfKind(kind, value, now);
  const texts = parts.map((part) => plainText(formsOfKind(kindOf(part), part, now)));
  const known = texts.filter((each) => each !== undefined);
  return known.length === texts.length ? [[['', known.join('$')]]] : [];
}

/** The first form that is a value alone: what a part of a composite is asked by. */
function plainText(forms: readonly Form[]): string | undefined {
  return forms.find((form) => form.length === 1 && form[0]?.[0] === '')?.[0]?.[1];
}

/** What a component is asked as: R4 names some of them the wrong way round, so that the element decides. */
function kindOf({ type }: TypedValue): IndexValue['kind'] {
  if (type === 'Reference') return 'reference';
  if (type === 'Quantity') return 'quantity';
  if (type === 'string') return 'string';
  return type === 'dateTime' || type === 'Period' ? 'date' : 'token';
}

function formsOfKind(kind: IndexValue['kind'], { type, value }: TypedValue, now: Now): readonly Form[] {
  switch (kind) {
    case 'token':
      return tokenForms(type, value);
    case 'string':
      return stringForms(type, value);
    case 'date':
      return dateForms(type, value);
    case 'quantity':
      return quantityForms(type, value);
    case 'number':
      return [[['', String(value)]]];
    case 'reference':
      return typeof value === 'string' ? [[['', escaped(value)]]] : referenceForms(now(value));
    case 'uri':
      return [[['', escaped(String(value))]]];
    default:
      throw new Error(`Nothing is known of parameters of the type ${kind}.`);
  }
}

/** `\,` `\|` `\$` `\\` (R4 search.html#escaping) */
function escaped(text: string): string {
  return text.replace(/[\\,|$]/g, (each) => `\\${each}`);
}

function given(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function tokenForms(type: string, value: unknown): readonly Form[] {
  if (typeof value !== 'object' || value === null) return [[['', escaped(String(value))]]];
  const element = value as Json;
  if (type === 'CodeableConcept') {
    return [...listOf(element['coding']).flatMap(codingForms), ...textForms(element['text'])];
  }
  if (type === 'Coding') return codingForms(element);
  if (type === 'Identifier') return identifierForms(element);
  if (type === 'ContactPoint') return [[['', escaped(given(element['value']) ?? '')]]];
  throw new Error(`A token is of the type ${type}.`);
}

function codingForms({ system, code, display }: Json): readonly Form[] {
  return [...systemForms(system, code), ...textForms(display)];
}

/** `system|code` or `|code`, `code`, `system|` */
function systemForms(system: unknown, code: unknown): readonly Form[] {
  const [of, plain] = [given(system), given(code)].map((each) => each && escaped(each));
  if (plain === undefined) return of === undefined ? [] : [[['', `${of}|`]]];
  return [
    [['', `${of ?? ''}|${plain}`]],
    [['', plain]],
    ...(of === undefined ? [] : [[['', `${of}|`]] as Form]),
  ];
}

function textForms(text: unknown): readonly Form[] {
  return typeof text === 'string' ? [[[':text', escaped(text)]]] : [];
}

function identifierForms({ system, value, type }: Json): readonly Form[] {
  const own = given(value);
  const kinds = own === undefined ? [] : listOf((type as Json | undefined)?.['coding']);
  return [
    ...systemForms(system, value),
    ...textForms((type as Json | undefined)?.['text']),
    ...kinds.map(
      (each): Form => [
        [
          ':of-type',
          [each['system'], each['code'], own].map((part) => escaped(String(part ?? ''))).join('|'),
        ],
      ],
    ),
  ];
}

const NAME = ['text', 'family', 'given', 'prefix', 'suffix'];
const ADDRESS = ['text', 'line', 'city', 'district', 'state', 'postalCode', 'country'];

/** From its beginning, exactly, and, of what is longer than that, from within. */
function stringForms(type: string, value: unknown): readonly Form[] {
  const texts =
    typeof value === 'string'
      ? [value]
      : (type === 'HumanName' ? NAME : ADDRESS).flatMap((part) => (value as Json)[part] ?? []);
  return texts
    .flatMap((text) => given(text) ?? [])
    .flatMap((text): Form[] => [
      [['', escaped(text)]],
      [[':exact', escaped(text)]],
      ...(text.length > 6 ? [[[':contains', escaped(text.slice(3, -1).trim())]] as Form] : []),
    ]);
}

/** A date as it is; of a period the time around it. */
function dateForms(type: string, value: unknown): readonly Form[] {
  if (typeof value === 'string')
    return [
      [['', value]],
      [
        ['', `ge${value}`],
        ['', `le${value}`],
      ],
    ];
  if (type === 'Period') return periodForms(value as Json);
  const { event, repeat } = value as { readonly event?: readonly string[]; readonly repeat?: Json };
  // "only the outer limits matter" (R4 search.html#date)
  const limits = [...(event ?? [])].sort();
  const [first, last] = [limits[0], limits.at(-1)];
  const around: Form[] =
    first && last
      ? [
          [
            ['', `ge${first}`],
            ['', `le${last}`],
          ],
        ]
      : [];
  return [...around, ...periodForms((repeat?.['boundsPeriod'] ?? {}) as Json)];
}

function periodForms({ start, end }: Json): readonly Form[] {
  const from = given(start);
  const to = given(end);
  const form: Form = [
    ...(from === undefined ? [] : [['', `ge${from}`] as const]),
    ...(to === undefined ? [] : [['', `le${to}`] as const]),
  ];
  return form.length === 0 ? [] : [form];
}

function quantityForms(type: string, value: unknown): readonly Form[] {
  const element = value as Json;
  if (type === 'Range') {
    const [low, high] = [element['low'], element['high']].map((each) => numberOf(each));
    return betweenForms(low, high, (element['low'] ?? element['high'] ?? {}) as Json);
  }
  if (type === 'SampledData') {
    const {
      origin,
      factor = 1,
      data,
    } = element as { readonly origin: Json; readonly factor?: number; readonly data?: string };
    const measured = (data ?? '').split(' ').filter((each) => /\d/.test(each));
    const values = measured
      .map((each) => Number(each) * factor + (numberOf(origin) ?? 0))
      .sort((a, b) => a - b);
    return betweenForms(values[0], values.at(-1), origin);
  }
  const number = numberOf(element);
  if (number === undefined) return [];
  const comparator = given(element['comparator'])?.replace('<', 'lt').replace('>', 'gt').replace('t=', 'e');
  return withUnit(`${comparator ?? ''}${number}`, element).map((text): Form => [['', text]]);
}

function betweenForms(low: number | undefined, high: number | undefined, unit: Json): readonly Form[] {
  const form = [
    ...(low === undefined ? [] : withUnit(`ge${low}`, unit).slice(0, 1)),
    ...(high === undefined ? [] : withUnit(`le${high}`, unit).slice(0, 1)),
  ];
  return form.length === 0 ? [] : [form.map((text) => ['', text] as const)];
}

function numberOf(quantity: unknown): number | undefined {
  const value = (quantity as Json | undefined)?.['value'];
  return typeof value === 'number' ? value : undefined;
}

/** `number|system|code`, `number||code`, `number||unit`, `number` */
function withUnit(number: string, { system, code, unit }: Json): readonly string[] {
  const [of, plain, text] = [given(system), given(code), given(unit)].map((each) => each && escaped(each));
  return [
    ...(of && plain ? [`${number}|${of}|${plain}`] : []),
    ...(plain ? [`${number}||${plain}`] : []),
    ...(text ? [`${number}||${text}`] : []),
    number,
  ];
}

/** By type and id, by id alone, by id with the type as modifier; by identifier where it is one. */
function referenceForms(reference: Json | undefined): readonly Form[] {
  const { reference: literal, identifier } = reference ?? {};
  const named = (identifier ?? {}) as Json;
  const own = given(named['value']);
  const byIdentifier: Form[] =
    own === undefined ? [] : [[[':identifier', `${escaped(given(named['system']) ?? '')}|${escaped(own)}`]]];
  const [, type, id] = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]+)$/.exec(given(literal) ?? '') ?? [];
  if (type === undefined || id === undefined) return byIdentifier;
  return [[['', `${type}/${id}`]], [['', id]], [[`:${type}`, id]], ...byIdentifier];
}
