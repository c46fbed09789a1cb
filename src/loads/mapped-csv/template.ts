import { covers } from '../standing.ts';
import {
  columnsOfDirective,
  type Directive,
  directiveOf,
  type ResourceMapping,
  type Template,
} from './mapping.ts';
import type { Row } from './row.ts';

/** What a template becomes for one row. */
interface Filled {
  /** undefined: nothing */
  readonly value: unknown;
  /** whether columns of the row were asked, whatever they held */
  readonly draws: boolean;
}

/** What a template needs beside the row. */
export interface Surroundings {
  readonly resources: ReadonlyMap<string, ResourceMapping>;
  /** business date */
  readonly day: string;
}

/**
 * Fills the elements of a resource from a row. An object that draws on columns of which none holds anything is left
 * out with its constants: there is no telephone without a number.
 */
export function fillElements(elements: Template, row: Row, around: Surroundings): Template {
  const filled: [string, unknown][] = [];
  for (const [name, node] of Object.entries(elements)) {
    const { value } = fill(node, row, around);
    if (value !== undefined) filled.push([name, value]);
  }
  return Object.fromEntries(filled);
}

function fill(node: unknown, row: Row, around: Surroundings): Filled {
  if (Array.isArray(node)) {
    const items = node.map((item) => fill(item, row, around));
    const values = items.flatMap(({ value }) => (value === undefined ? [] : [value]));
    return {
      value: values.length === 0 ? undefined : values,
      draws: items.some((item) => item.draws),
    };
  }
  if (typeof node !== 'object' || node === null) return { value: node, draws: false };
  const template = node as Template;
  const directive = directiveOf(template);
  if (directive === 'unknown') throw new Error('A mapping was not checked before it was used.');
  if (directive !== undefined) {
    return { value: filledBy(directive, row, around), draws: directive.kind !== 'by-period' };
  }
  return fillObject(template, row, around);
}

function fillObject(template: Template, row: Row, around: Surroundings): Filled {
  const members = Object.entries(template).map(([name, node]) => ({ name, ...fill(node, row, around) }));
  const drawing = members.filter((member) => member.draws);
  const draws = drawing.length > 0;
  if (draws && drawing.every((member) => member.value === undefined)) return { value: undefined, draws };
  const held = members.filter((member) => member.value !== undefined);
  return { value: Object.fromEntries(held.map(({ name, value }) => [name, value])), draws };
}

function filledBy(directive: Directive, row: Row, around: Surroundings): unknown {
  switch (directive.kind) {
    case 'column':
      return row.value(directive.column);
    case 'code':
      return row.coded(directive.column, directive.map)?.code;
    case 'coding':
      return row.coded(directive.column, directive.map);
    case 'concept': {
      const coding = row.coded(directive.column, directive.map);
      if (coding === undefined) return undefined;
      const text = coding.display ?? row.text(directive.column);
      return { ...(coding.code !== undefined && { coding: [coding] }), ...(text !== undefined && { text }) };
    }
    case 'reference':
      return referenceTo(directive.to, directive.id, row, around);
    case 'by-period': {
      const start = row.text(directive.start)?.slice(0, 10) ?? '';
      const end = row.text(directive.end)?.slice(0, 10);
      if (covers(start, end, around.day)) return directive.during;
      return start > around.day ? directive.before : directive.after;
    }
  }
}

function referenceTo(
  name: string,
  columns: readonly string[],
  row: Row,
  { resources }: Surroundings,
): string | undefined {
  const resource = resources.get(name);
  if (resource === undefined) throw new Error('A mapping was not checked before it was used.');
  // nothing is said of a row that is not named; half a name is a fault
  if (columns.every((column) => row.text(column) === undefined)) return undefined;
  const id = row.id(columns, resource.type === 'Patient' ? undefined : name);
  return id === undefined ? undefined : `${resource.type}/${id}`;
}

/** Columns that an element is made of, by its path without indexes: `EpisodeOfCare.period.start`. */
export function columnsOfElement(resource: ResourceMapping, element: string): readonly string[] {
  const [, ...path] = element.replace(/\[\d+\]/g, '').split('.');
  let node: unknown = resource.elements;
  for (const name of path) {
    const inner = withoutLists(node).flatMap((each) =>
      typeof each === 'object' && each !== null && Object.hasOwn(each, name)
        ? [(each as Template)[name]]
        : [],
    );
    // what a directive makes has elements of its own
    if (inner.length === 0) break;
    node = inner;
  }
  return node === resource.elements ? [] : [...new Set(columnsWithin(node))];
}

function withoutLists(node: unknown): readonly unknown[] {
  return Array.isArray(node) ? node.flatMap(withoutLists) : [node];
}

function columnsWithin(node: unknown): readonly string[] {
  if (Array.isArray(node)) return node.flatMap(columnsWithin);
  if (typeof node !== 'object' || node === null) return [];
  const template = node as Template;
  const directive = directiveOf(template);
  if (directive === undefined) return Object.values(template).flatMap(columnsWithin);
  return directive === 'unknown' ? [] : columnsOfDirective(directive);
}
