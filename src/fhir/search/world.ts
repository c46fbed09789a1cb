import { indexedParameters } from './indexed.ts';
import { fieldsOf, valuesIn } from './line.ts';
import { matchesParameter, type Searched } from './match.ts';
import type { ParsedParameter } from './parameter.ts';

/**
 * The resources that a search may look at, and nothing else: what is not in it has no effect on any answer. Chains and
 * `_has` are judged within it.
 */
export class SearchWorld {
  readonly #byType = new Map<string, Searched[]>();
  readonly #now: number;
  /** resources, as `Type/id`, that meet a linked condition: worked out once for each */
  readonly #linked = new Map<object, ReadonlySet<string>>();

  /** @param now milliseconds since 1970 UTC */
  constructor(resources: Iterable<Searched>, now: number) {
    this.#now = now;
    for (const resource of resources) {
      const list = this.#byType.get(resource.type);
      if (list === undefined) this.#byType.set(resource.type, [resource]);
      else list.push(resource);
    }
  }

  meets(searched: Searched, criteria: readonly ParsedParameter[]): boolean {
    return criteria.every((parameter) => this.#meetsOne(searched, parameter));
  }

  #meetsOne(searched: Searched, parameter: ParsedParameter): boolean {
    const { name, chained, having } = parameter;
    if (having !== undefined) return this.#referring(having).has(`${searched.type}/${searched.id}`);
    if (chained === undefined) return matchesParameter(searched, parameter, this.#now);
    const references = referencesOf(searched, name);
    return chained.some((link) => {
      const found = this.#meeting(link);
      return references.some((reference) => found.has(reference));
    });
  }

  /** Resources of the link's type that meet its condition. */
  #meeting(link: { readonly type: string; readonly parameter: ParsedParameter }): ReadonlySet<string> {
    return this.#once(link, () =>
      this.#matchesOf(link.type, link.parameter).map(({ id }) => `${link.type}/${id}`),
    );
  }

  /** What resources that meet the condition refer to. */
  #referring(having: NonNullable<ParsedParameter['having']>): ReadonlySet<string> {
    return this.#once(having, () =>
      this.#matchesOf(having.type, having.parameter).flatMap((each) => referencesOf(each, having.reference)),
    );
  }

  #matchesOf(type: string, parameter: ParsedParameter): readonly Searched[] {
    return (this.#byType.get(type) ?? []).filter((each) => this.#meetsOne(each, parameter));
  }

  #once(key: object, find: () => readonly string[]): ReadonlySet<string> {
    let found = this.#linked.get(key);
    if (found === undefined) {
      found = new Set(find());
      this.#linked.set(key, found);
    }
    return found;
  }
}

/** `Type/id` of what a resource refers to along a parameter; references that lead nowhere here are not among them. */
export function referencesOf(searched: Searched, name: string): readonly string[] {
  const indexed = indexedParameters(searched.type).get(name);
  if (indexed?.type !== 'reference') return [];
  const literals = valuesIn(searched.line, indexed.of ?? name).map((raw) => fieldsOf(raw)[0] ?? '');
  return literals.filter(
    (literal) =>
      literal.includes('/') &&
      !literal.endsWith('/') &&
      (indexed.only === undefined || literal.startsWith(`${indexed.only}/`)),
  );
}

/** Every type that the criteria look into beside their own. */
export function typesLookedInto(criteria: readonly ParsedParameter[]): readonly string[] {
  const found = new Set<string>();
  const visit = ({ chained, having }: ParsedParameter): void => {
    for (const link of [...(chained ?? []), ...(having === undefined ? [] : [having])]) {
      found.add(link.type);
      visit(link.parameter);
    }
  };
  for (const parameter of criteria) visit(parameter);
  return [...found];
}
