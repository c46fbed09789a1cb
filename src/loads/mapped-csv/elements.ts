import { writeDecimals } from '../../fhir/decimals.ts';
import { isServed, served } from '../../fhir/served.ts';
import { validateStructure } from '../../fhir/structure.ts';
import { readCell } from './cells.ts';
import {
  type Column,
  columnsOfDirective,
  type Directive,
  directiveOf,
  type Mapping,
  type ResourceMapping,
  resourcesOf,
  type Template,
} from './mapping.ts';
import { Row, tableTerms } from './row.ts';
import { fillElements } from './template.ts';

/** Elements of a mapping: whether what they name is there, and whether what they make is FHIR R4. */

/** Made by the mapping's own terms, or not kept of anybody's rows. */
const NOT_AT_TOP = ['resourceType', 'id', 'meta', 'implicitRules', 'language', 'text'];
const NOWHERE = ['resourceType', 'contained', 'extension', 'modifierExtension'];

type Columns = ReadonlyMap<string, Column>;

export function elementFaults(
  mapping: Mapping,
  resource: ResourceMapping,
  columns: Columns,
  path: string,
): readonly string[] {
  const person = isServed(resource.type) ? served(resource.type).person : undefined;
  const barred = [...NOT_AT_TOP, ...(person === undefined ? [] : [person])];
  const faults = Object.keys(resource.elements)
    .filter((name) => barred.includes(name))
    .map((name) => `${path}/${name}: is not an element for a mapping to make`);
  faults.push(...nodeFaults(mapping, resource.elements, columns, path));
  return faults.length > 0 ? faults : probeFaults(mapping, resource, columns, path);
}

function nodeFaults(mapping: Mapping, node: unknown, columns: Columns, path: string): readonly string[] {
  if (node === null) return [`${path}: null is no value`];
  if (Array.isArray(node))
    return node.flatMap((item, index) => nodeFaults(mapping, item, columns, `${path}/${index}`));
  if (typeof node !== 'object') return [];
  const template = node as Template;
  const directive = directiveOf(template);
  if (directive === 'unknown') return [`${path}: is no directive of a mapping, and "$" begins nothing else`];
  if (directive !== undefined) return directiveFaults(mapping, directive, columns, path);
  return Object.entries(template).flatMap(([name, inner]) =>
    NOWHERE.includes(name) || name.startsWith('_')
      ? [`${path}/${name}: is not an element for a mapping to make`]
      : nodeFaults(mapping, inner, columns, `${path}/${name}`),
  );
}

function directiveFaults(
  mapping: Mapping,
  directive: Directive,
  columns: Columns,
  path: string,
): readonly string[] {
  const faults = columnsOfDirective(directive)
    .filter((column) => !columns.has(column))
    .map((column) => `${path}: there is no column ${column}`);
  if (directive.kind === 'reference' && !resourcesOf(mapping).has(directive.to))
    faults.push(`${path}: there is no resource ${directive.to}`);
  if (directive.kind === 'by-period') {
    for (const column of columnsOfDirective(directive)) {
      if ((columns.get(column)?.type ?? 'date') !== 'date')
        faults.push(`${path}: the column ${column} is no date`);
    }
  }
  if (!('map' in directive)) return faults;
  const maps = mapping.codeMaps ?? {};
  const map = Object.hasOwn(maps, directive.map) ? maps[directive.map] : undefined;
  if (map === undefined) return [...faults, `${path}: there is no code map ${directive.map}`];
  if (directive.kind === 'code') {
    if (map.unmapped === 'text')
      faults.push(`${path}: a code cannot be kept as text, and ${directive.map} does so`);
    for (const [text, { code }] of Object.entries(map.codes)) {
      if (code === undefined) faults.push(`${path}: "${text}" of ${directive.map} has no code`);
    }
  }
  return faults;
}

/** Makes resources of rows that could be, one for every code of the maps, and looks at what becomes of them. */
function probeFaults(
  mapping: Mapping,
  resource: ResourceMapping,
  columns: Columns,
  path: string,
): readonly string[] {
  const terms = tableTerms(mapping, Object.fromEntries(columns));
  const mapped = new Map(mapsWithin(resource.elements));
  const texts = new Map(
    [...mapped].map(([column, name]) => [column, [...(terms.codes.get(name)?.codes.keys() ?? [])]]),
  );
  const rounds = Math.max(3, ...[...texts.values()].map((each) => each.length));
  const found = new Set<string>();
  for (let round = 0; round < rounds; round += 1) {
    const cells = new Map(
      [...columns].map(([name, column]) => {
        const codes = texts.get(name)?.filter((text) => readCell(column, text).ok) ?? [];
        return [name, codes[round % codes.length] ?? sample(column)];
      }),
    );
    const around = { resources: resourcesOf(mapping), day: DAYS[round % DAYS.length] ?? '' };
    for (const { element, rule } of validateStructure(probe(resource, new Row(terms, cells), around))) {
      found.add(`${path}: ${element} of what it makes is not FHIR R4 (${rule})`);
    }
  }
  return [...found];
}

/** Before, in and after the sample's day. */
const DAYS = ['2020-01-01', '2020-02-03', '2021-01-01'] as const;

function sample(column: Column): string {
  switch (column.type) {
    case 'boolean':
      return column.true[0] ?? '';
    case 'number':
      return '1';
    case 'date':
      return column.format.replace(/YYYY|MM|DD|HH|mm|ss/g, (token) =>
        token === 'YYYY' ? '2020' : token === 'MM' ? '02' : token === 'DD' ? '03' : '10',
      );
    default:
      return 'sample';
  }
}

function probe(resource: ResourceMapping, row: Row, around: Parameters<typeof fillElements>[2]): unknown {
  const { type } = resource;
  const person = isServed(type) ? served(type).person : undefined;
  const made = {
    resourceType: type,
    id: 'sample',
    ...(person !== undefined && { [person]: { reference: 'Patient/sample' } }),
    ...fillElements(resource.elements, row, around),
  };
  return JSON.parse(writeDecimals(JSON.stringify(made)));
}

function mapsWithin(node: unknown): readonly (readonly [string, string])[] {
  if (Array.isArray(node)) return node.flatMap(mapsWithin);
  if (typeof node !== 'object' || node === null) return [];
  const template = node as Template;
  const directive = directiveOf(template);
  if (directive === undefined) return Object.values(template).flatMap(mapsWithin);
  return directive !== 'unknown' && 'map' in directive ? [[directive.column, directive.map]] : [];
}
