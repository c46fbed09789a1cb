import { isServed, served } from '../../fhir/served.ts';
import { isDateFormat } from './cells.ts';
import { elementFaults } from './elements.ts';
import type { Column, ConsentMapping, Mapping, ResourceMapping, TableMapping } from './mapping.ts';
import { resourcesOf } from './mapping.ts';

/**
 * What is wrong with a mapping that has the shape of one: columns, maps and resources that are not there, types that
 * cannot be made of rows, elements that are not FHIR R4.
 *
 * @returns a sentence for each fault, with its path
 */
export function mappingFaults(mapping: Mapping): readonly string[] {
  const tables = Object.entries(mapping.tables);
  const products = tables.flatMap(([, table]) => [...(table.resources ?? []), ...(table.consents ?? [])]);
  const names = products.map((product) => product.name);
  const resources = [...resourcesOf(mapping).values()];
  const patients = resources.filter((resource) => resource.type === 'Patient').length;
  const needsPatient =
    resources.some((each) => each.person !== undefined) || products.length > resources.length;
  return [
    ...names
      .filter((name, index) => names.indexOf(name) !== index)
      .map((name) => `/tables: the name ${name} is there twice`),
    ...(patients > 1 ? ['/tables: there is more than one resource of type Patient'] : []),
    ...(patients === 0 && needsPatient
      ? ['/tables: rows are about people, and no resource is of type Patient']
      : []),
    ...Object.entries(mapping.codeMaps ?? {}).flatMap(([name, map]) =>
      map.unmapped === 'text' || Object.keys(map.codes).length > 0
        ? []
        : [`/codeMaps/${name}: has no codes, and refuses all others`],
    ),
    ...tables.flatMap(([name, table]) => tableFaults(mapping, table, `/tables/${name}`)),
  ];
}

function tableFaults(mapping: Mapping, table: TableMapping, path: string): readonly string[] {
  const columns = new Map(Object.entries(table.columns));
  const resources = table.resources ?? [];
  const consents = table.consents ?? [];
  return [
    ...[...columns].flatMap(([name, column]) => columnFaults(column, `${path}/columns/${name}`)),
    ...(resources.length + consents.length === 0 ? [`${path}: nothing is made of its rows`] : []),
    ...missing(columns, [table.leaveOut?.column], `${path}/leaveOut`),
    ...resources.flatMap((each, index) =>
      resourceFaults(mapping, each, columns, `${path}/resources/${index}`),
    ),
    ...consents.flatMap((each, index) => consentFaults(each, columns, `${path}/consents/${index}`)),
  ];
}

function columnFaults(column: Column, path: string): readonly string[] {
  if (column.type === 'date' && !isDateFormat(column.format))
    return [
      `${path}/format: ${column.format} is no format of dates: YYYY, MM and DD, with HH and mm or without`,
    ];
  if (column.type === 'boolean') {
    const both = column.true.filter((text) => column.false.includes(text));
    return both.map((text) => `${path}: "${text}" means both true and false`);
  }
  return [];
}

type Columns = ReadonlyMap<string, Column>;

function resourceFaults(
  mapping: Mapping,
  resource: ResourceMapping,
  columns: Columns,
  path: string,
): readonly string[] {
  const { type, id, person, when, nhsNumber, labels = [] } = resource;
  if (!isServed(type)) return [`${path}/type: ${type} is not a type that this service serves`];
  const { keeping, person: element } = served(type);
  const isAbout = keeping === 'clinical';
  const faults: string[] = [];
  if (
    keeping === 'own' ||
    keeping === 'referenced' ||
    element === 'target' ||
    element === 'participant.actor'
  )
    faults.push(`${path}/type: ${type} cannot be made of rows`);
  if (isAbout && person === undefined) faults.push(`${path}/person: is missing, and a ${type} is somebody's`);
  if (!isAbout && person !== undefined) faults.push(`${path}/person: a ${type} has none`);
  if (type !== 'Patient' && nhsNumber !== undefined) faults.push(`${path}/nhsNumber: only of a Patient`);
  const { statusMap } = nhsNumber ?? {};
  if (statusMap !== undefined && !Object.hasOwn(mapping.codeMaps ?? {}, statusMap))
    faults.push(`${path}/nhsNumber: there is no code map ${statusMap}`);
  return [
    ...faults,
    ...missing(columns, id, `${path}/id`),
    ...missing(columns, person ?? [], `${path}/person`),
    ...missing(columns, [when?.column], `${path}/when`),
    ...missing(columns, [nhsNumber?.column, nhsNumber?.status], `${path}/nhsNumber`),
    ...labels.flatMap(({ column }) => ofType('boolean', columns, [column], `${path}/labels`)),
    ...(faults.length > 0 ? [] : elementFaults(mapping, resource, columns, `${path}/elements`)),
  ];
}

function consentFaults(consent: ConsentMapping, columns: Columns, path: string): readonly string[] {
  const { id, person, when, states, recorded, start, end, givenBy } = consent;
  return [
    ...missing(columns, id, `${path}/id`),
    ...missing(columns, person, `${path}/person`),
    ...missing(columns, [when?.column], `${path}/when`),
    ...missing(columns, [givenBy], `${path}/givenBy`),
    ...ofType('boolean', columns, [states], `${path}/states`),
    ...ofType('date', columns, [recorded, start, end], path),
  ];
}

function missing(columns: Columns, names: readonly (string | undefined)[], path: string): readonly string[] {
  return names.flatMap((name) =>
    name === undefined || columns.has(name) ? [] : [`${path}: there is no column ${name}`],
  );
}

function ofType(
  type: Column['type'],
  columns: Columns,
  names: readonly (string | undefined)[],
  path: string,
): readonly string[] {
  const absent = missing(columns, names, path);
  if (absent.length > 0) return absent;
  return names.flatMap((name) =>
    name === undefined || columns.get(name)?.type === type
      ? []
      : [`${path}: the column ${name} is no ${type}`],
  );
}
