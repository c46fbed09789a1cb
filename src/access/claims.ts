import { type ClaimPointers, DEFAULT_CLAIMS } from './issuers.ts';
import { type JsonPointer, parsePointer, valueAt } from './json-pointer.ts';
import { refuseToken } from './refuse-token.ts';
import { isObject, type JsonObject } from './strict-json.ts';

export type ClaimName = keyof ClaimPointers;

/** Where each claim is, parsed once per issuer. */
export type ParsedPointers = { readonly [Name in ClaimName]: JsonPointer };

const LINE = /^[^\p{Cc}\p{Cs}]*$/u;
const LINES = /^(?:[^\p{Cc}\p{Cs}]|[\t\n\r])*$/u;

/** @throws Error for a text that is not a JSON Pointer: the configuration was not checked */
export function pointerOf(text: string): JsonPointer {
  const pointer = parsePointer(text);
  if (pointer === undefined) throw new Error(`"${text}" is not a JSON Pointer.`);
  return pointer;
}

/** The defaults, with an issuer's own in their place. */
export function claimPointers(own: Partial<ClaimPointers> | undefined): ParsedPointers {
  const entries = Object.entries({ ...DEFAULT_CLAIMS, ...own });
  return Object.fromEntries(entries.map(([name, pointer]) => [name, pointerOf(pointer)])) as ParsedPointers;
}

/**
 * One token's verified claims. A claim that is not there reads as empty; one of another type than its own, too long,
 * or with characters that no text should hold, refuses the token.
 */
export class Claims {
  readonly #claims: JsonObject;
  readonly #pointers: ParsedPointers;

  constructor(claims: JsonObject, pointers: ParsedPointers) {
    this.#claims = claims;
    this.#pointers = pointers;
  }

  /** a registered claim of JWT itself, which must be there */
  registered(name: 'sub' | 'jti'): string {
    return needed(text(this.#claims[name], 255, LINE));
  }

  /** one line */
  text(name: ClaimName, longest = 255): string {
    return text(this.#at(name), longest, LINE);
  }

  /** several lines */
  prose(name: ClaimName): string {
    return text(this.#at(name), 8000, LINES);
  }

  required(name: ClaimName): string {
    return needed(this.text(name));
  }

  /** `exp`, milliseconds since the epoch */
  expires(): number {
    return Number(this.#claims['exp']) * 1000;
  }

  flag(name: ClaimName): boolean {
    const value = this.#at(name);
    if (value === undefined || typeof value === 'boolean') return value === true;
    throw refuseToken('token-claims');
  }

  /**
   * A code, a Coding, or a list of one Coding: of several roles or purposes nobody can say which is meant.
   *
   * @param systems what a Coding's system may be, where it has one; absent: anything
   */
  code(name: ClaimName, systems?: readonly string[]): string {
    const value = this.#at(name);
    if (value === undefined || typeof value === 'string') return text(value, 100, LINE);
    const coding: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
    if (!isObject(coding)) throw refuseToken('token-claims');
    const system = text(coding['system'], 255, LINE);
    if (system !== '' && systems !== undefined && !systems.includes(system))
      throw refuseToken('token-claims');
    return needed(text(coding['code'], 100, LINE));
  }

  #at(name: ClaimName): unknown {
    return valueAt(this.#claims, this.#pointers[name]);
  }
}

function text(value: unknown, longest: number, allowed: RegExp): string {
  if (value === undefined) return '';
  if (typeof value !== 'string' || value.length > longest || !allowed.test(value))
    throw refuseToken('token-claims');
  return value;
}

function needed(value: string): string {
  if (value.trim() === '') throw refuseToken('token-claims');
  return value;
}
