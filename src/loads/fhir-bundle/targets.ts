import { type EntryRow, identifiersOf, type Json } from './entry.ts';

/**
 * Where the references of Bundles lead: literals within their Bundle, identifiers within the whole extract. Only what is
 * referred to is remembered: first everything is `wanted`, then `added`, then `pointed`.
 */
export class Targets {
  readonly #literals = new Map<string, string | undefined>();
  readonly #identifiers = new Map<string, string | undefined>();

  /** @param bundle index of the file */
  wanted(bundle: number, resource: Json): void {
    for (const [name, value] of Object.entries(resource)) {
      if (typeof value === 'string' && isLink(name, value)) {
        const token = identifierAsked(value);
        if (token === undefined) this.#literals.set(`${bundle} ${value}`, undefined);
        else this.#identifiers.set(token, undefined);
      }
      for (const each of Array.isArray(value) ? value : [value]) {
        if (typeof each === 'object' && each !== null) this.wanted(bundle, each as Json);
      }
    }
  }

  added(bundle: number, row: EntryRow): void {
    const target = `${row.type}/${row.id}`;
    for (const alias of row.aliases) note(this.#literals, `${bundle} ${alias}`, target);
    for (const token of identifiersOf(row.resource)) note(this.#identifiers, `${row.type} ${token}`, target);
  }

  /**
   * The resource with every reference that leads to a row of the extract as `Type/id`. Others stay as they are, and
   * become logical references where all do. An attachment's address is a reference in all but name.
   */
  pointed(bundle: number, resource: Json): Json {
    return this.#object(bundle, resource);
  }

  #object(bundle: number, object: Json): Json {
    const entries = Object.entries(object).map(([name, value]): [string, unknown] => {
      if (typeof value === 'string' && isLink(name, value))
        return [name, this.#target(bundle, value) ?? value];
      return [name, this.#value(bundle, value)];
    });
    return Object.fromEntries(entries);
  }

  #value(bundle: number, value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#value(bundle, each));
    return typeof value === 'object' && value !== null ? this.#object(bundle, value as Json) : value;
  }

  #target(bundle: number, literal: string): string | undefined {
    const token = identifierAsked(literal);
    const found =
      token === undefined ? this.#literals.get(`${bundle} ${literal}`) : this.#identifiers.get(token);
    return found === AMBIGUOUS ? undefined : found;
  }
}

function isLink(name: string, value: string): boolean {
  return name === 'reference' || (name === 'url' && value.startsWith('urn:'));
}

/** By one identifier, and nothing else. */
const CONDITIONAL = /^([A-Z][A-Za-z]{1,39})\?identifier=([^&]{1,2000})$/;

/** The `Type system|value` that a conditional reference asks for. */
function identifierAsked(literal: string): string | undefined {
  const [, type, written] = CONDITIONAL.exec(literal) ?? [];
  if (written === undefined) return undefined;
  try {
    return `${type} ${decodeURIComponent(written)}`;
  } catch {
    // a stray per cent sign: it is nobody's identifier
    return undefined;
  }
}

/** More than one: it leads to none of them. */
const AMBIGUOUS = '';

function note(targets: Map<string, string | undefined>, key: string, target: string): void {
  if (!targets.has(key)) return;
  const known = targets.get(key);
  targets.set(key, known === undefined || known === target ? target : AMBIGUOUS);
}
