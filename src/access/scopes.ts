import { isServed, type ServedTypeName } from '../fhir/served.ts';

/**
 * SMART App Launch 2.2 scopes, v1 and v2 (specification facts 3.1), by the exact grammar. Whatever is not exactly a
 * scope of it grants nothing; scopes of other kinds (`openid`, `fhirUser`, `launch`) grant nothing of the record.
 */
export interface Scope {
  readonly level: ScopeLevel;
  readonly type: ServedTypeName | '*';
  /** the interactions: some of `c`, `r`, `u`, `d`, `s`, in this order */
  readonly letters: string;
  /** only rows of these categories; absent: all */
  readonly constraint?: CategoryConstraint;
}

export type ScopeLevel = 'patient' | 'user' | 'system';

/** `r` read, `s` search: the letters this view-only service ever asks for. */
export type ScopeLetter = 'r' | 's';

/** What `?category=` asks: one of these. */
export interface CategoryConstraint {
  /** `system|code`, or `code` alone for any system */
  readonly categories: readonly string[];
}

/** What scopes allow of a type: nothing, all of it, or the rows that meet one of the constraints. */
export type ScopeCover = 'none' | 'all' | readonly CategoryConstraint[];

const V1_LETTERS: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' };
const V2_LETTERS = /^c?r?u?d?s?$/;
const SCOPE = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]{0,63})\.([a-z]{1,5}|\*)(?:\?(.*))?$/;
const CATEGORY = /^(?:[^\s|,$\\\p{Cc}]+\|)?[^|,$\\\p{Cc}]+$/u;

/**
 * The scopes of a space-delimited scope string.
 *
 * @param text the `scope` claim, as received
 * @returns only scopes that grant something this service has; their union is what the token allows
 */
export function parseScopes(text: string): readonly Scope[] {
  const scopes: Scope[] = [];
  for (const token of text.split(' ')) {
    const scope = parseScope(token);
    if (scope !== undefined) scopes.push(scope);
  }
  return scopes;
}

function parseScope(token: string): Scope | undefined {
  const parts = SCOPE.exec(token);
  if (parts === null) return undefined;
  const [, level, name = '', permissions = '', query] = parts;
  const type = name === '*' || isServed(name) ? name : undefined;
  if (type === undefined) return undefined;
  const v1 = Object.hasOwn(V1_LETTERS, permissions);
  const letters = v1 ? V1_LETTERS[permissions] : permissions;
  if (letters === undefined || !V2_LETTERS.test(letters)) return undefined;
  const scope: Scope = { level: level as ScopeLevel, type, letters };
  if (query === undefined) return scope;
  const constraint = v1 ? undefined : parseConstraint(query);
  return constraint === undefined ? undefined : { ...scope, constraint };
}

/** Only `category`, once, without a modifier: any other query grants nothing, for what it means is not agreed. */
function parseConstraint(query: string): CategoryConstraint | undefined {
  const name = 'category=';
  if (!query.startsWith(name) || query.includes('&')) return undefined;
  const value = percentDecoded(query.slice(name.length));
  if (value === undefined) return undefined;
  const categories = value.split(',');
  return categories.every((category) => CATEGORY.test(category)) ? { categories } : undefined;
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * What two lists of scopes both allow: a token's and its client's registration. Levels are never turned into each other.
 * Of constraints only categories named by both stay, so that a row has to lie within either.
 */
export function commonScopes(some: readonly Scope[], others: readonly Scope[]): readonly Scope[] {
  const common = some.flatMap((one) => others.flatMap((other) => commonScope(one, other) ?? []));
  const once = new Map(common.map((scope) => [textOf(scope), scope]));
  return [...once.values()];
}

function commonScope(one: Scope, other: Scope): Scope | undefined {
  const type = one.type === '*' ? other.type : one.type;
  if (one.level !== other.level || (other.type !== '*' && other.type !== type)) return undefined;
  const letters = [...one.letters].filter((letter) => other.letters.includes(letter)).join('');
  if (letters === '') return undefined;
  const scope = { level: one.level, type, letters };
  const constraint = one.constraint ?? other.constraint;
  if (constraint === undefined) return scope;
  if (one.constraint === undefined || other.constraint === undefined) return { ...scope, constraint };
  const categories = commonCategories(one.constraint.categories, other.constraint.categories);
  return categories.length === 0 ? undefined : { ...scope, constraint: { categories } };
}

/** A code of any system and the same code of one system have the narrower in common. */
function commonCategories(some: readonly string[], others: readonly string[]): readonly string[] {
  const within = (lists: readonly string[], category: string): boolean =>
    lists.includes(category) || lists.includes(category.slice(category.indexOf('|') + 1));
  const common = [
    ...some.filter((category) => within(others, category)),
    ...others.filter((category) => within(some, category)),
  ];
  return [...new Set(common)];
}

/**
 * What scopes allow of one interaction with one type: the union of those that suit.
 *
 * @param levels the levels that count for the kind of caller
 */
export function scopeCover(
  scopes: readonly Scope[],
  levels: readonly ScopeLevel[],
  letter: ScopeLetter,
  type: ServedTypeName,
): ScopeCover {
  const constraints: CategoryConstraint[] = [];
  for (const scope of scopes) {
    if (scope.type !== type && scope.type !== '*') continue;
    if (!levels.includes(scope.level) || !scope.letters.includes(letter)) continue;
    if (scope.constraint === undefined) return 'all';
    constraints.push(scope.constraint);
  }
  return constraints.length === 0 ? 'none' : constraints;
}

/**
 * Whether a row with these categories lies within the cover.
 *
 * @param categories `system|code` of each
 */
export function covers(cover: ScopeCover, categories: readonly string[]): boolean {
  if (cover === 'all') return true;
  if (cover === 'none') return false;
  return cover.some((constraint) => constraint.categories.some((wanted) => hasCategory(categories, wanted)));
}

function hasCategory(categories: readonly string[], wanted: string): boolean {
  if (wanted.includes('|')) return categories.includes(wanted);
  return categories.some((category) => category.slice(category.indexOf('|') + 1) === wanted);
}

const TEXTS = new WeakMap<readonly Scope[], string>();

/** Scopes as the text of a scope string (v2), as far as they grant something here. */
export function scopeText(scopes: readonly Scope[]): string {
  let text = TEXTS.get(scopes);
  if (text === undefined) {
    text = scopes.map(textOf).join(' ');
    TEXTS.set(scopes, text);
  }
  return text;
}

function textOf({ level, type, letters, constraint }: Scope): string {
  const query = constraint?.categories.map(encodeURIComponent).join(',');
  return `${level}/${type}.${letters}${query === undefined ? '' : `?category=${query}`}`;
}
