/**
 * Profiling as far as our own profiles and UK Core's use it, read from differentials: cardinalities, fixed values and
 * patterns, required value sets, types of values, slices told apart by values or by extension. Written for tests and
 * apart from what is tested.
 */

export interface Json {
  readonly [name: string]: unknown;
}

export interface Element extends Json {
  readonly id: string;
  readonly sliceName?: string;
  readonly min?: number;
  readonly max?: string;
  readonly type?: readonly { readonly code: string; readonly profile?: readonly string[] }[];
  readonly binding?: { readonly strength: string; readonly valueSet?: string };
}

export interface Definition extends Json {
  readonly url: string;
  readonly type: string;
  readonly baseDefinition: string;
  readonly differential: { readonly element: readonly Element[] };
}

/** What a differential is read with. */
export interface Definitions {
  /** by canonical URL; undefined: not known, nothing is demanded */
  definition(url: string): Definition | undefined;
  /** whether a value is of a required value set; undefined: cannot be told */
  isOf(valueSet: string, value: unknown): boolean | undefined;
}

interface Node {
  readonly element: Element;
  readonly children: Node[];
}

/** @returns ids of the elements that a resource does not satisfy, with what is wrong */
export function differentialFaults(definitions: Definitions, profile: string, resource: Json): string[] {
  const definition = definitions.definition(profile);
  return definition === undefined ? [] : faultsIn(definitions, treeOf(definition), resource);
}

/** The elements of a differential as a tree; what it leaves out between them is put in without demands. */
export function treeOf({ differential }: Definition): Node {
  const [first] = differential.element;
  if (first === undefined) throw new Error('A differential has at least one element.');
  const nodes = new Map<string, Node>();
  const nodeOf = (id: string): Node => {
    const known = nodes.get(id);
    if (known !== undefined) return known;
    const element = differential.element.find((each) => each.id === id) ?? { id };
    const node: Node = { element, children: [] };
    nodes.set(id, node);
    const end = id.lastIndexOf('.');
    if (end > 0) nodeOf(id.slice(0, end)).children.push(node);
    return node;
  };
  for (const { id } of differential.element) nodeOf(id);
  return nodeOf(first.id.split('.')[0] ?? first.id);
}

function faultsIn(definitions: Definitions, node: Node, value: Json): string[] {
  return node.children.flatMap((child) => childFaults(definitions, child, value));
}

function childFaults(definitions: Definitions, node: Node, parent: Json): string[] {
  const { element } = node;
  const extension = extensionOf(definitions, element);
  const values = membersAt(node, parent).filter((value) => isOfSlice(node, value));
  const { id, min = 0, max = extension?.max ?? '*' } = element;
  const faults: string[] = [];
  if (values.length < min) faults.push(`${id} min ${min}`);
  if (max !== '*' && values.length > Number(max)) faults.push(`${id} max ${max}`);
  for (const value of values) {
    faults.push(...valueFaults(definitions, element, value, parent));
    if (typeof value !== 'object' || value === null) continue;
    faults.push(...faultsIn(definitions, node, value as Json));
    if (extension !== undefined) faults.push(...faultsIn(definitions, extension.tree, value as Json));
  }
  return faults;
}

function valueFaults(definitions: Definitions, element: Element, value: unknown, parent: Json): string[] {
  const faults: string[] = [];
  const pattern = patternOf(element);
  if (pattern !== undefined && !matches(value, pattern)) faults.push(`${element.id} pattern`);
  const { binding, type, id } = element;
  if (binding?.strength === 'required' && definitions.isOf(binding.valueSet ?? '', value) === false) {
    faults.push(`${id} binding`);
  }
  if (id.endsWith('value[x]') && type !== undefined) {
    const [member] = choiceMembers('value', parent);
    if (!type.some(({ code }) => member === `value${code[0]?.toUpperCase()}${code.slice(1)}`)) {
      faults.push(`${id} type`);
    }
  }
  return faults;
}

/** The definition that an extension slice names, with how often its root allows it. */
function extensionOf(definitions: Definitions, { type }: Element): { tree: Node; max?: string } | undefined {
  const url = extensionUrl(type);
  const definition = url === undefined ? undefined : definitions.definition(url);
  if (definition === undefined) return undefined;
  const tree = treeOf(definition);
  return { tree, ...(tree.element.max !== undefined && { max: tree.element.max }) };
}

function extensionUrl(type: Element['type']): string | undefined {
  return type?.[0]?.code === 'Extension' ? type[0].profile?.[0] : undefined;
}

/** Values of an element; those of a primitive are the object of its extensions where only that is looked into. */
function membersAt({ element, children }: Node, parent: Json): readonly unknown[] {
  const name = nameOf(element);
  if (name.endsWith('[x]')) {
    return choiceMembers(name.slice(0, -3), parent).map((member) => parent[member] ?? parent[`_${member}`]);
  }
  const ofPrimitive = children.some((child) => nameOf(child.element) === 'extension');
  const value = parent[name];
  const shown = ofPrimitive && typeof value !== 'object' ? parent[`_${name}`] : (value ?? parent[`_${name}`]);
  if (shown === undefined) return [];
  return Array.isArray(shown) ? shown : [shown];
}

function choiceMembers(base: string, parent: Json): string[] {
  const names = Object.keys(parent).map((name) => (name.startsWith('_') ? name.slice(1) : name));
  return [...new Set(names)].filter((name) => new RegExp(`^${base}[A-Z]`).test(name));
}

function nameOf({ id }: Element): string {
  return (id.split('.').at(-1) ?? '').split(':')[0] ?? '';
}

/** Told apart by the url of an extension, or by the fixed values and patterns of `system`, `type`, `role` and `url`. */
function isOfSlice(node: Node, value: unknown): boolean {
  const { element, children } = node;
  if (element.sliceName === undefined) return true;
  const url = extensionUrl(element.type);
  if (url !== undefined) return (value as Json)['url'] === url;
  const own = patternOf(element);
  if (own !== undefined) return matches(value, own);
  const telling = children.filter(
    (child) => patternOf(child.element) !== undefined && /(system|type|role|url|uri)$/.test(child.element.id),
  );
  if (telling.length === 0) return (value as Json)['url'] === element.sliceName;
  return telling.every((child) => matches((value as Json)[nameOf(child.element)], patternOf(child.element)));
}

export function patternOf(element: Element): unknown {
  const key = Object.keys(element).find((name) => /^(pattern|fixed)[A-Z]/.test(name));
  return key === undefined ? undefined : element[key];
}

function matches(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern)) {
    const values: readonly unknown[] = Array.isArray(value) ? value : [];
    return pattern.every((wanted) => values.some((found) => matches(found, wanted)));
  }
  if (typeof pattern !== 'object' || pattern === null) return value === pattern;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(pattern).every(([name, wanted]) => matches((value as Json)[name], wanted));
}
