import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

/**
 * Whether an event keeps a BALP profile, by the published StructureDefinition itself: cardinalities, fixed values and
 * patterns, required bindings, targets of references, and slices told apart by their discriminators, closed ones too.
 * What a definition demands and this does not know is an error, not silence.
 */

interface Json {
  readonly [name: string]: unknown;
}
interface Element extends Json {
  readonly id: string;
  readonly sliceName?: string;
  readonly min?: number;
  readonly max?: string;
  readonly type?: readonly Json[];
  readonly binding?: { readonly strength: string; readonly valueSet: string };
  readonly constraint?: readonly { readonly key: string; readonly expression: string }[];
  readonly slicing?: {
    readonly discriminator: readonly { readonly type: string; readonly path: string }[];
    readonly rules: string;
  };
}
interface Definition extends Json {
  readonly baseDefinition: string;
  readonly differential: { readonly element: readonly Element[] };
}
/** An element with what is below it, slices beside the element they are slices of. */
interface Node {
  readonly element: Element;
  readonly name: string;
  readonly children: Node[];
}

const BALP = 'https://profiles.ihe.net/ITI/BALP/';
const SAYS_NOTHING = 'id path short definition comment requirements mustSupport sliceName'.split(' ');
const UNDERSTOOD = 'min max type binding constraint slicing'.split(' ');
const SAME_AS_OBSERVER = '$this.who = %resource.source.observer';

/** Faults of an event against a BALP profile and those it is based on; none: it keeps the profile. */
export function balpFaults(folder: string, profile: string, event: Json): string[] {
  return new Checker(folder, event).check(profile, event);
}

class Checker {
  readonly #folder: string;
  readonly #event: Json;

  constructor(folder: string, event: Json) {
    this.#folder = folder;
    this.#event = event;
  }

  check(profile: string, value: Json): string[] {
    return this.#below(treeOf(this.#elements(profile)), value);
  }

  /** Elements of a profile over those of its base: what both speak of has what either demands. */
  #elements(profile: string): readonly Element[] {
    const { baseDefinition, differential } = this.#load<Definition>(profile);
    const merged = new Map<string, Element>();
    const base = baseDefinition.startsWith(BALP) ? this.#elements(baseDefinition) : [];
    for (const element of [...base, ...differential.element])
      merged.set(element.id, { ...merged.get(element.id), ...element });
    return [...merged.values()];
  }

  #below(node: Node, value: Json): string[] {
    return node.children.flatMap((child) => {
      const values = membersOf(value, child.name);
      const { sliceName } = child.element;
      if (sliceName === undefined)
        return [...this.#within(child, values), ...this.#closed(node, child, values)];
      const slicing = node.children.find(({ name, element }) => name === child.name && !element.sliceName);
      return this.#within(
        child,
        values.filter((member) => this.#isOf(child, slicing, member)),
      );
    });
  }

  #within(node: Node, values: readonly unknown[]): string[] {
    const { element } = node;
    const { id, min = 0, max = '*' } = element;
    const faults: string[] = [];
    if (values.length < min) faults.push(`${id}: ${values.length} < ${min}`);
    if (max !== '*' && values.length > Number(max)) faults.push(`${id}: ${values.length} > ${max}`);
    for (const value of values) {
      faults.push(...this.#demanded(element, value).map((what) => `${id}: ${what}`));
      if (typeof value === 'object' && value !== null) faults.push(...this.#below(node, value as Json));
    }
    return faults;
  }

  #closed(parent: Node, node: Node, values: readonly unknown[]): string[] {
    if (node.element.slicing?.rules !== 'closed') return [];
    const slices = parent.children.filter(({ name, element }) => name === node.name && element.sliceName);
    const strange = values.filter((value) => !slices.some((slice) => this.#isOf(slice, node, value)));
    return strange.length === 0 ? [] : [`${node.element.id}: ${strange.length} of no slice`];
  }

  /** What a value lacks of what is demanded of it alone. */
  #demanded(element: Element, value: unknown): string[] {
    const faults: string[] = [];
    for (const [name, wanted] of Object.entries(element)) {
      if (SAYS_NOTHING.includes(name) || UNDERSTOOD.includes(name)) continue;
      if (!/^(pattern|fixed)[A-Z]/.test(name)) throw new Error(`${element.id}: ${name} is not understood.`);
      const isMet = name.startsWith('fixed') ? isDeepStrictEqual(value, wanted) : matches(value, wanted);
      if (!isMet) faults.push(name);
    }
    const { binding, constraint = [] } = element;
    if (binding?.strength === 'required' && !this.#isBound(binding.valueSet, value)) faults.push('binding');
    for (const { key, expression } of constraint) {
      if (expression !== SAME_AS_OBSERVER) throw new Error(`${element.id}: ${expression} is not understood.`);
      const { observer } = this.#event['source'] as Json;
      if (!isDeepStrictEqual((value as Json)['who'], observer)) faults.push(key);
    }
    return [...faults, ...this.#typeFaults(element, value)];
  }

  #typeFaults({ id, type = [] }: Element, value: unknown): string[] {
    const targets = type.flatMap(({ targetProfile }) => listOf(targetProfile).map(String));
    const { reference, type: said } = (value ?? {}) as Json;
    const isOf = (target: string): boolean => {
      const [wanted = ''] = target.split('/').slice(-1);
      return said === wanted || new RegExp(`(^|/)${wanted}/`).test(String(reference));
    };
    const faults = targets.length > 0 && !targets.some(isOf) ? ['target'] : [];
    const profiles = type.flatMap(({ profile }) => listOf(profile).map(String));
    return [
      ...faults,
      ...profiles.flatMap((profile) => this.check(profile, value as Json).map((f) => `${id} ${f}`)),
    ];
  }

  /** Whether a value is of a slice: by every discriminator that the slice says something of. */
  #isOf(slice: Node, slicing: Node | undefined, value: unknown): boolean {
    const { element } = slice;
    const [profile] = (element.type ?? []).flatMap((type) => listOf(type['profile']));
    if (profile !== undefined) return (value as Json)['url'] === profile;
    const paths = slicing?.element.slicing?.discriminator ?? [];
    let told = 0;
    for (const { type, path } of paths) {
      if (type !== 'value' && type !== 'pattern')
        throw new Error(`${element.id}: ${type} is not understood.`);
      const names = path === '$this' ? [] : path.replace(/\.ofType\(\w+\)/, '[x]').split('.');
      const judge = names.reduce<Node | undefined>(
        (node, name) => node?.children.find((child) => child.name === name),
        slice,
      );
      if (judge === undefined) continue;
      told += 1;
      const found = names.reduce<unknown[]>(
        (values, name) => values.flatMap((one) => membersOf(one as Json, name)),
        [value],
      );
      if (found.length === 0 || found.some((one) => this.#demanded(judge.element, one).length > 0))
        return false;
    }
    if (told === 0) throw new Error(`${element.id} cannot be told apart.`);
    return true;
  }

  #isBound(valueSet: string, value: unknown): boolean {
    interface Include {
      readonly system: string;
      readonly concept?: readonly { readonly code: string }[];
    }
    const { compose } = this.#load<{ compose: { include: readonly Include[] } }>(valueSet);
    const codings = ((value as Json)['coding'] ?? [value]) as readonly Json[];
    return compose.include.some(
      ({ system, concept = this.#load<{ concept: { code: string }[] }>(system).concept }) =>
        codings.some(
          (coding) => coding['system'] === system && concept.some(({ code }) => code === coding['code']),
        ),
    );
  }

  #load<T>(url: string): T {
    const name = url.replace(BALP, '').replace('/', '-');
    return JSON.parse(readFileSync(join(this.#folder, 'definitions', `${name}.json`), 'utf8'));
  }
}

/** Elements as a tree; what a differential leaves out between them is put in without demands. */
function treeOf(elements: readonly Element[]): Node {
  const nodes = new Map<string, Node>();
  const nodeOf = (id: string): Node => {
    const known = nodes.get(id);
    if (known !== undefined) return known;
    const end = id.lastIndexOf('.');
    const [name = ''] = id.slice(end + 1).split(':');
    const sliceName = id.slice(end + 1).split(':')[1];
    const made = { id, ...(sliceName === undefined ? {} : { sliceName }) };
    const node: Node = {
      element: { ...made, ...elements.find((each) => each.id === id) },
      name,
      children: [],
    };
    nodes.set(id, node);
    if (end > 0) nodeOf(id.slice(0, end)).children.push(node);
    return node;
  };
  for (const { id } of elements) nodeOf(id);
  const [root = ''] = (elements[0]?.id ?? '').split('.');
  return nodeOf(root);
}

/** Values of an element; of a choice those of whatever type it has. */
function membersOf(value: Json, name: string): unknown[] {
  if (!name.endsWith('[x]')) return listOf(value[name]);
  const choice = new RegExp(`^${name.slice(0, -3)}[A-Z]`);
  return Object.keys(value)
    .filter((each) => choice.test(each))
    .flatMap((each) => listOf(value[each]));
}

function matches(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern)) {
    return pattern.every((wanted) => listOf(value).some((found) => matches(found, wanted)));
  }
  if (typeof pattern !== 'object' || pattern === null) return value === pattern;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(pattern).every(([name, wanted]) => matches((value as Json)[name], wanted));
}

function listOf(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
