import type { IndexedParameter } from '../../src/fhir/search/indexed.ts';
import { finds, type Resource } from './searching.ts';

/**
 * Where Medplum's matcher and this one may answer differently, each class with its reason. A difference belongs to a
 * class only if a reading of its own, of the resource as it is, says that this service is right.
 */

export interface Difference {
  readonly resource: Resource;
  readonly name: string;
  readonly indexed: IndexedParameter;
  readonly modifier: string;
  readonly value: string;
  /** what the expression of the parameter leads to */
  readonly found: readonly unknown[];
  readonly ours: boolean;
}

interface DifferenceClass {
  readonly reason: string;
  readonly explains: (difference: Difference) => boolean;
}

type Json = Readonly<Record<string, unknown>>;

const of = (kind: IndexedParameter['type']) => (d: Difference) => d.indexed.type === kind;

/** Every text within a value, with the member that it stands in. */
function texts(value: unknown, member = ''): readonly (readonly [member: string, text: string])[] {
  if (typeof value === 'string') return [[member, value]];
  if (Array.isArray(value)) return value.flatMap((each) => texts(each, member));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => texts(each, name));
}

const lower = (text: string): string => text.toLowerCase();
/** As a reader would: no accents, apostrophes and full stops; hyphens and white space are alike. */
const loose = (text: string): string =>
  lower(text)
    .normalize('NFD')
    .replace(/[\u0300-\u036f]|['.’]/g, '')
    .replace(/[-\s]+/g, ' ')
    .trim();
const plain = (text: string): string => text.replace(/\\(.)/g, '$1');

const NOT_SEARCHED =
  'use type period start end url id valueCode valueString status div system code display'.split(' ');

function stringReading({ found, modifier, value }: Difference): boolean {
  const whole = found.map((each) => {
    const { given, family } = (typeof each === 'object' && each !== null ? each : {}) as {
      given?: string[];
      family?: string;
    };
    return [...(given ?? []), ...(family === undefined ? [] : [family])].join(' ');
  });
  const parts = [
    ...found
      .flatMap((each) => texts(each))
      .filter(([member]) => !NOT_SEARCHED.includes(member))
      .map(([, text]) => text),
    ...whole.filter((each) => each !== ''),
  ];
  const wanted = plain(value);
  return parts.some((part) => {
    if (modifier === ':exact') return part === wanted;
    return modifier === ':contains'
      ? loose(part).includes(loose(wanted))
      : loose(part).startsWith(loose(wanted));
  });
}

function uriReading({ found, modifier, value }: Difference): boolean {
  return found.some((each) => {
    const uri = String(each);
    if (uri === value || (modifier === '' && uri.split('|')[0] === value)) return true;
    if (modifier === ':below') return `${uri}/`.startsWith(value.replace(/\/?$/, '/'));
    return modifier === ':above' && `${value}/`.startsWith(uri.replace(/\/?$/, '/'));
  });
}

function referenceReading({ found, modifier, value }: Difference): boolean {
  return found.some((each) => {
    if (typeof each === 'string')
      return [each, each.split('|')[0], /^[A-Z]\w+\/(.+)$/.exec(each)?.[1]].includes(value);
    const { reference = '', identifier } = each as {
      reference?: string;
      identifier?: { system?: string; value?: string };
    };
    if (modifier === ':identifier') {
      const wanted = plain(value);
      return (
        identifier?.value !== undefined &&
        [identifier.value, `${identifier.system ?? ''}|${identifier.value}`].includes(wanted)
      );
    }
    const [type, id] = reference.split('/_history/')[0]?.split('/') ?? [];
    const ofType = modifier === '' || modifier === `:${type}`;
    return (
      /^[A-Z]\w+\/[^/]+$/.test(reference.split('/_history/')[0] ?? '') &&
      ofType &&
      [id, `${type}/${id}`].includes(value)
    );
  });
}

/** Bounds of a quantity as R4 means them: open where the comparator says so. */
function bounds(value: Json): readonly [low: number, high: number] | undefined {
  const amount = Number(value['value']);
  if (value['value'] === undefined) return undefined;
  const comparator = String(value['comparator'] ?? '');
  return [comparator.startsWith('<') ? -Infinity : amount, comparator.startsWith('>') ? Infinity : amount];
}

function quantityReading({ found, value }: Difference): boolean {
  const [, prefix = 'eq', amount = '', , system, code] =
    /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(-?[\d.e+-]+)(\|([^|]*)\|(.*))?$/.exec(value) ?? [];
  const [digits = '', exponent = '0'] = amount.split('e');
  const half = 10 ** (Number(exponent) - (digits.split('.')[1]?.length ?? 0)) / 2;
  const asked = Number(amount);
  return found.some((each) => {
    const quantity = each as Json;
    const range = bounds(quantity);
    if (range === undefined) return false;
    const named = [quantity['code'], quantity['unit']].includes(plain(code ?? ''));
    if (
      code !== undefined &&
      !(system === undefined || system === ''
        ? named
        : quantity['system'] === system && quantity['code'] === code)
    )
      return false;
    const [low, high] = range;
    const within = low === high && (low === asked || (low >= asked - half && low < asked + half));
    const tenth = Math.abs(asked) / 10;
    const readings: Readonly<Record<string, boolean>> = {
      eq: within,
      ne: !within,
      gt: high > asked,
      lt: low < asked,
      ge: high >= asked,
      le: low <= asked,
      sa: low > asked || (low === asked && quantity['comparator'] === '>'),
      eb: high < asked || (high === asked && quantity['comparator'] === '<'),
      ap: high >= asked - tenth && low <= asked + tenth,
    };
    return readings[prefix] === true;
  });
}

/** Places in which the parts of a composite stand together, each as a resource of its own. */
function placesOf(resource: Resource, name: string): readonly Resource[] {
  const list = (member: string): readonly Json[] => (resource[member] ?? []) as readonly Json[];
  if (name === 'relationship') return list('relatesTo').map((each) => ({ ...resource, relatesTo: [each] }));
  const whole = name.startsWith('component-') ? [] : [resource];
  // R4 has sampled data among the quantities of a component, but not in its composites
  const components = name.startsWith('code-')
    ? []
    : list('component').filter((each) => !('valueSampledData' in each));
  return [...whole, ...components.map((each) => ({ ...each, resourceType: 'Observation' }))];
}

/** Each part by a search of its own in the same place. */
function compositeReading({ resource, name, value, modifier }: Difference): boolean {
  const kind = /value-(concept|quantity|string|date)$/.exec(name)?.[0] ?? '';
  const [first, second] = name === 'relationship' ? ['relation', 'relatesto'] : ['code', kind];
  const places = placesOf(resource, name);
  if (modifier === ':missing') {
    const isThere = places.some((each) => finds(`${first}:missing=false&${second}:missing=false`, each));
    return isThere === (value === 'false');
  }
  const parts = value.split(/(?<!\\)\$/);
  return places.some((each) => finds(`${first}=${parts[0]}&${second}=${parts[1]}`, each));
}

const summer = (text: string): boolean => /^\d{4}(?:-(?:0[3-9]|10)(?:-\d\d)?)?(?:T[\d:.]*)?$/.test(text);
const prefixOf = (value: string): string => /^[a-z]{2}/.exec(value)?.[0] ?? 'eq';

/** In the order in which they are tried. */
export const DIFFERENCES: readonly DifferenceClass[] = [
  {
    reason: 'minutes: Medplum refuses a time without seconds',
    explains: (d) => of('date')(d) && /T\d\d:\d\dZ$/.test(d.value),
  },
  {
    reason: 'quantities and numbers: Medplum has none in memory',
    explains: (d) => of('quantity')(d) && d.modifier === '' && quantityReading(d) === d.ours,
  },
  {
    reason: 'Binary: Medplum does not search it',
    explains: (d) => d.resource.resourceType === 'Binary',
  },
  {
    reason: 'composites: Medplum has none in memory',
    explains: (d) => of('composite')(d) && compositeReading(d) === d.ours,
  },
  {
    reason: 'strings: Medplum looks anywhere in a formatted whole, whatever the modifier',
    explains: (d) => of('string')(d) && d.modifier !== ':missing' && stringReading(d) === d.ours,
  },
  {
    reason: 'URIs: Medplum looks anywhere in them, whatever the modifier',
    explains: (d) => of('uri')(d) && d.modifier !== ':missing' && uriReading(d) === d.ours,
  },
  {
    reason: 'references: Medplum compares the literal, so it knows no bare id, no version, no :identifier',
    explains: (d) => of('reference')(d) && d.modifier !== ':missing' && referenceReading(d) === d.ours,
  },
  {
    reason: 'codes of a fixed value set: Medplum knows no system of theirs',
    explains: (d) =>
      of('token')(d) &&
      d.value.includes('|') &&
      d.found.every((each) => typeof each === 'string') &&
      // with a system it is found here alone, without any it is found there alone
      d.value.startsWith('|') === (d.ours === (d.modifier === ':not')),
  },
  {
    reason: 'contact points: Medplum takes their kind for a system',
    explains: (d) =>
      of('token')(d) &&
      d.value.startsWith('|') &&
      ['phone', 'email', 'telecom'].includes(d.name) &&
      (d.ours === (d.modifier === '')) ===
        texts(d.found).some(
          ([member, text]) => member === 'value' && lower(text) === lower(plain(d.value.slice(1))),
        ),
  },
  {
    reason: ':text: Medplum wants the whole text',
    explains: (d) =>
      d.modifier === ':text' &&
      d.ours ===
        texts(d.found).some(
          ([member, text]) =>
            ['text', 'display'].includes(member) && loose(text).startsWith(loose(plain(d.value))),
        ),
  },
  {
    reason: 'escapes: Medplum does not resolve them in tokens',
    explains: (d) => of('token')(d) && d.value.includes('\\'),
  },
  {
    reason: 'words beside a code: Medplum finds them as codes',
    explains: (d) =>
      of('token')(d) &&
      d.ours === (d.modifier === ':not') &&
      texts(d.found).some(
        ([member, text]) =>
          ['text', 'display'].includes(member) && lower(text) === lower(d.value.replace(/^\|/, '')),
      ),
  },
  {
    reason: 'systems: Medplum compares them regardless of case',
    explains: (d) =>
      of('token')(d) &&
      d.value.includes('|') &&
      d.ours === (d.modifier === ':not') &&
      !texts(d.found).some(([, text]) => text === d.value.split('|')[0]),
  },
  {
    reason: 'schedules: Medplum does not search them by date',
    explains: (d) =>
      of('date')(d) &&
      d.found.some(
        (each) => typeof each === 'object' && each !== null && ('event' in each || 'repeat' in each),
      ),
  },
  {
    reason: 'eq, ne and ap: Medplum takes overlap for equality, and what has no date for not equal',
    explains: (d) =>
      of('date')(d) &&
      // a day is not the hour that it overlaps, and something near a date is about that date
      { eq: !d.ours, ne: d.found.length === 0 ? !d.ours : d.ours, ap: d.ours }[prefixOf(d.value)] === true,
  },
  {
    reason: 'dates without a zone: UTC for Medplum, London here',
    explains: (d) =>
      of('date')(d) &&
      [...texts(d.found).map(([, text]) => text), d.value.replace(/^[a-z]{2}/, '')].some(summer),
  },
  {
    reason: 'missing: an element without anything to search it by has no value here',
    explains: (d) =>
      d.modifier === ':missing' &&
      !of('composite')(d) &&
      d.found.length > 0 &&
      d.ours === (d.value === 'true'),
  },
];
