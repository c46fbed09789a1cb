import { isServed, SERVED_NAMES, type ServedTypeName } from '../served.ts';
import { type IndexedParameter, indexedParameters } from './indexed.ts';
import type { ParameterDefinition, ParameterTable, ParameterType, Suffix } from './parameter.ts';

/** What may be searched of each served type: the R4 parameters with the modifiers and chains that this service knows. */

const MODIFIERS: { readonly [T in ParameterType]: readonly Suffix[] } = {
  token: [':missing', ':not', ':text'],
  string: [':missing', ':exact', ':contains'],
  date: [':missing'],
  reference: [':missing', ':identifier'],
  number: [':missing'],
  quantity: [':missing'],
  uri: [':missing', ':below', ':above'],
  composite: [':missing'],
  special: [],
};

/** A chain or `_has` never leads into the audit log, which is a question of its own. */
const REACHABLE: readonly ServedTypeName[] = SERVED_NAMES.filter((type) => type !== 'AuditEvent');

const TABLES = new Map<string, ParameterTable>();

/** The search parameters of a type, without those of results; undefined for types that are not reached by a search. */
export function searchTable(type: string): ParameterTable | undefined {
  if (!isServed(type)) return undefined;
  let table = TABLES.get(type);
  if (table === undefined) {
    const definitions = [...indexedParameters(type)].map(([name, parameter]) =>
      definitionOf(type, name, parameter),
    );
    table = new Map([...definitions, ID, HAS].map((definition) => [definition.name, definition]));
    TABLES.set(type, table);
  }
  return table;
}

function chainTable(type: string): ParameterTable | undefined {
  return REACHABLE.some((each) => each === type) ? searchTable(type) : undefined;
}

const ID: ParameterDefinition = {
  name: '_id',
  type: 'token',
  multiple: true,
  expects: 'an id of letters, digits, - and ., at most 64 long',
  read: (text) => (/^[A-Za-z0-9\-.]{1,64}$/.test(text) ? { kind: 'id', id: text } : undefined),
};

const HAS: ParameterDefinition = {
  name: '_has',
  type: 'special',
  multiple: true,
  chain: chainTable,
  expects: 'written as _has:Type:reference:parameter=value',
};

function definitionOf(type: ServedTypeName, name: string, parameter: IndexedParameter): ParameterDefinition {
  const common = { name, type: parameter.type, multiple: true, suffixes: suffixesOf(type, name, parameter) };
  if (parameter.type === 'reference') {
    const targets = targetsOf(parameter);
    const canonical = parameter.leaves?.some(({ is }) => is === 'canonical') === true;
    return { ...common, ...(targets !== undefined && { targets }), canonical, chain: chainTable };
  }
  if (parameter.components === undefined) return common;
  const components = parameter.components.map((component, index) => ({
    name: `${name}.${index}`,
    type: component.type,
    multiple: false,
  }));
  return { ...common, components };
}

/** undefined: any type */
function targetsOf({ targets }: IndexedParameter): readonly string[] | undefined {
  return targets === undefined || targets.length === 0 ? undefined : targets;
}

function suffixesOf(type: ServedTypeName, name: string, parameter: IndexedParameter): readonly Suffix[] {
  const modifiers = MODIFIERS[parameter.type];
  if (parameter.type === 'reference') {
    const targets = targetsOf(parameter) ?? SERVED_NAMES;
    return [...modifiers, ...targets.map((target): Suffix => `:${target}`)];
  }
  return parameter.type === 'token' && hasIdentifiers(type, name, parameter)
    ? [...modifiers, ':of-type']
    : modifiers;
}

function hasIdentifiers(
  type: ServedTypeName,
  name: string,
  { leaves = [], parts = [] }: IndexedParameter,
): boolean {
  if (leaves.some(({ is }) => is === 'Identifier')) return true;
  const all = indexedParameters(type);
  return parts.some((part) => {
    const found = part === name ? undefined : all.get(part);
    return found !== undefined && hasIdentifiers(type, part, found);
  });
}
