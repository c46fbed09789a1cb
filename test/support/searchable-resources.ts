import fc from 'fast-check';
import { indexedParameters, type Leaf } from '../../src/fhir/search/indexed.ts';
import { SERVED_NAMES } from '../../src/fhir/served.ts';
import type { Resource } from './searching.ts';

/**
 * Resources for properties of searching: of any served type, with values of the right FHIR type at some of the places
 * that its parameters look at, each place alone or in a list. Texts are as hard as R4 allows.
 */

const TEXTS = [
  'a',
  'B',
  'é',
  'ß',
  '\t',
  ' x',
  ',',
  '|',
  '$',
  '\\',
  '/',
  "'",
  '.',
  '-',
  '=',
  '😀',
  'Ω',
  '\tcode=a\t',
  '7',
];

/** Text with content: what R4 calls a string. */
export const text: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...TEXTS), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(''))
  .filter((each) => each.trim() !== '');
const code = fc.constantFrom('a', 'A', 'b', 'final', 'a b', 'x-1');
const system = fc.constantFrom('urn:a', 'http://b.example/c', 'urn:x|1');
const uri = fc.constantFrom('urn:a', 'http://b.example/c', 'http://b.example/c/d', 'http://b.example/c|2');
const id = fc.constantFrom('1', '2', 'a.b-c');

const moment = fc
  .record({
    at: fc.integer({ min: Date.UTC(1900, 0), max: Date.UTC(2100, 0) }),
    length: fc.constantFrom(4, 7, 10, 19, 23),
    zone: fc.constantFrom('Z', '+01:00', '-11:30'),
  })
  .map(({ at, length, zone }) => new Date(at).toISOString().slice(0, length) + (length > 10 ? zone : ''));
const period = fc
  .record({ start: moment, end: moment }, { requiredKeys: [] })
  .filter((each) => Object.keys(each).length > 0);
const number = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc.constantFrom(5.4, 5.45, -0.01, 0, 1e21, 1.5e-7, 120),
  fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
);
const optional = { requiredKeys: [] };
const coding = fc.record({ system, code, display: text }, optional);
const concept = fc.record({ coding: fc.array(coding, { maxLength: 2 }), text }, optional);
const unit = { system, code, unit: code };
const quantity = fc.record(
  { ...unit, value: number, comparator: fc.constantFrom('<', '<=', '>=', '>') },
  optional,
);

function reference({ target }: Leaf, targets: readonly string[]): fc.Arbitrary<object> {
  const types = target === undefined ? (targets.length > 0 ? targets : SERVED_NAMES) : [target, 'Device'];
  const type = fc.constantFrom(...types);
  const literal = fc.tuple(type, id).map(([kind, at]) => `${kind}/${at}`);
  return fc.record(
    {
      reference: fc.oneof(literal, fc.constantFrom('#1', 'https://elsewhere.example/fhir/Patient/1')),
      type,
      identifier: fc.record({ system, value: text }, optional),
      display: text,
    },
    optional,
  );
}

function valueAt(leaf: Leaf, targets: readonly string[]): fc.Arbitrary<unknown> {
  switch (leaf.is) {
    case 'boolean':
      return fc.boolean();
    case 'code':
      return code;
    case 'string':
      return fc.oneof(text, moment);
    case 'date':
    case 'dateTime':
    case 'instant':
      return moment;
    case 'Period':
      return period;
    case 'Timing':
      return fc.record(
        { event: fc.array(moment, { maxLength: 3 }), repeat: fc.record({ boundsPeriod: period }) },
        optional,
      );
    case 'Coding':
      return coding;
    case 'CodeableConcept':
      return concept;
    case 'Identifier':
      return fc.record({ system, value: text, type: concept }, optional);
    case 'ContactPoint':
      return fc.record({ system: fc.constantFrom('phone', 'email', 'url'), value: text }, optional);
    case 'HumanName':
      return fc.record(
        {
          text,
          family: text,
          given: fc.array(text, { maxLength: 2 }),
          prefix: fc.array(text, { maxLength: 1 }),
        },
        optional,
      );
    case 'Address':
      return fc.record(
        { text, line: fc.array(text, { maxLength: 2 }), city: text, postalCode: text },
        optional,
      );
    case 'Reference':
      return reference(leaf, targets);
    case 'Range':
      return fc.record({ low: quantity, high: quantity }, optional);
    case 'SampledData':
      return fc.record(
        {
          origin: quantity,
          data: fc
            .array(fc.oneof(fc.constantFrom('E', 'U', 'L'), number.map(String)), { maxLength: 4 })
            .map((all) => all.join(' ')),
          factor: number,
          lowerLimit: number,
        },
        optional,
      );
    case 'Quantity':
    case 'Age':
    case 'Duration':
      return quantity;
    default:
      return uri;
  }
}

interface Placed {
  readonly path: readonly string[];
  readonly listed: boolean;
  readonly value: unknown;
}

/** Puts a value where the path leads: beside what is there already, or (not listed) into its last element. */
function place(into: Record<string, unknown>, { path, listed, value }: Placed): void {
  const [name, ...rest] = path;
  if (name === undefined) return;
  const before: readonly unknown[] = into[name] === undefined ? [] : [into[name]].flat();
  const last = before.at(-1);
  const inner: Placed = { path: rest, listed, value };
  if (rest.length > 0 && !listed && typeof last === 'object' && last !== null) {
    const merged = { ...last };
    place(merged, inner);
    into[name] = before.length === 1 ? merged : [...before.slice(0, -1), merged];
    return;
  }
  const added = rest.length === 0 ? value : alone(inner);
  into[name] = before.length > 0 ? [...before, added] : listed ? [added] : added;
}

function alone(placed: Placed): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  place(members, placed);
  return members;
}

function leavesOf(type: string): readonly { readonly leaf: Leaf; readonly targets: readonly string[] }[] {
  const found = [...indexedParameters(type).values()].flatMap(
    ({ leaves = [], targets = [], bases = [[]], components = [] }) => [
      ...leaves.map((leaf) => ({ leaf, targets })),
      ...bases.flatMap((base) =>
        components.flatMap((component) =>
          (component.leaves ?? []).map((leaf) => ({
            leaf: { ...leaf, path: [...base, ...leaf.path] },
            targets,
          })),
        ),
      ),
    ],
  );
  return found.filter(({ leaf }) => leaf.path.length > 0);
}

const placedOf = ({
  leaf,
  targets,
}: {
  readonly leaf: Leaf;
  readonly targets: readonly string[];
}): fc.Arbitrary<Placed> =>
  fc.record({ path: fc.constant(leaf.path), listed: fc.boolean(), value: valueAt(leaf, targets) });

/** Elements that hold all the parts of a composite. */
function wholesOf(type: string): readonly fc.Arbitrary<Placed>[] {
  return [...indexedParameters(type).values()].flatMap(({ bases = [], components = [] }) =>
    bases.map((path) =>
      fc
        .tuple(
          ...components.map(({ leaves = [] }) =>
            fc.oneof(...leaves.map((leaf) => placedOf({ leaf, targets: [] }))),
          ),
        )
        .map((parts) => {
          const value: Record<string, unknown> = {};
          for (const part of parts) place(value, part);
          return { path, listed: true, value };
        }),
    ),
  );
}

/** A resource of a served type that parameters are searched of. */
export function resourceOf(type: string): fc.Arbitrary<Resource> {
  const wholes = wholesOf(type);
  const parts = fc.oneof(...leavesOf(type).map(placedOf));
  const placed = wholes.length === 0 ? parts : fc.oneof(parts, ...wholes);
  return fc.tuple(id, fc.array(placed, { maxLength: 8 })).map(([at, all]) => {
    const members: Record<string, unknown> = {};
    for (const each of all) place(members, each);
    return { resourceType: type, id: at, ...members };
  });
}

/** Of any served type, and often of one that has composites. */
export const anyResource: fc.Arbitrary<Resource> = fc
  .oneof(fc.constantFrom(...SERVED_NAMES), fc.constantFrom('Observation', 'DocumentReference'))
  .chain(resourceOf);

/** A resource that has one value only. */
export function resourceWith(
  type: string,
): fc.Arbitrary<{ readonly path: readonly string[]; readonly resource: Resource }> {
  const leaves = leavesOf(type);
  return fc.oneof(...leaves.map(placedOf)).map((each) => ({
    path: each.path,
    resource: { resourceType: type, id: '1', ...alone(each) },
  }));
}
