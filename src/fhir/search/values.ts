import { localReference } from '../references.ts';
import { dateRange, type Prefix } from './date.ts';
import { splitEscaped, unescapeValue } from './escape.ts';
import type { NumberValue, ParameterDefinition, SearchValue, Suffix, TokenValue } from './parameter.ts';

/** Reading of one value per parameter type (R4 search.html#ptypes). Each answers undefined for what it cannot read. */

const ID = /^[A-Za-z0-9\-.]{1,64}$/;
const PREFIXED = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?([^a-z].*)$/s;
const DECIMAL = /^([+-]?)(\d{1,30})(?:\.(\d{1,30}))?(?:[eE]([+-]?\d{1,3}))?$/;

export interface ReadingContext {
  /** the configured FHIR base URL, without a slash at its end: absolute references to it are local */
  readonly base: string;
}

export function readValue(
  definition: ParameterDefinition,
  suffix: Suffix | undefined,
  written: string,
  context: ReadingContext,
): SearchValue | undefined {
  if (written === '') return undefined;
  // as a search line has it
  const text = written.replaceAll('\t', ' ');
  if (suffix === ':missing') return readMissing(text);
  if (suffix === ':identifier' || suffix === '.identifier') return readIdentifier(definition, text);
  if (suffix === ':of-type') return readOfType(text);
  if (definition.read !== undefined) return readPlain(text, definition.read);
  if (suffix === ':text') return readText(text);
  switch (definition.type) {
    case 'token':
      return readToken(definition, text);
    case 'string':
      return readText(text);
    case 'uri':
      return readPlain(text, (plain) => (/\s/.test(plain) ? undefined : { kind: 'uri', uri: plain }));
    case 'date':
      return readDate(definition, text);
    case 'number':
      return readNumber(definition, text);
    case 'quantity':
      return readQuantity(definition, text);
    case 'reference':
      return readReference(definition, suffix, text, context);
    case 'composite':
      return readComposite(definition, text, context);
    case 'special':
      return undefined;
  }
}

function readPlain(text: string, read: (plain: string) => SearchValue | undefined): SearchValue | undefined {
  const plain = unescapeValue(text);
  return plain === undefined ? undefined : read(plain);
}

function readText(text: string): SearchValue | undefined {
  return readPlain(text, (plain) => (plain.trim() === '' ? undefined : { kind: 'string', text: plain }));
}

/** `system|code|value`, all three (R4 search.html, Identifier of type) */
function readOfType(text: string): SearchValue | undefined {
  const [system, code, value, ...more] = splitEscaped(text, '|').map(unescapeValue);
  if (more.length > 0 || !code || !value || system === undefined) return undefined;
  return { kind: 'of-type', system, code, value };
}

function readMissing(text: string): SearchValue | undefined {
  return text === 'true' || text === 'false' ? { kind: 'missing', missing: text === 'true' } : undefined;
}

/** `code`, `system|code`, `|code` or `system|` */
function readToken(definition: ParameterDefinition, text: string): TokenValue | undefined {
  const parts = splitEscaped(text, '|').map(unescapeValue);
  const [left, right] = parts;
  if (left === undefined || parts.length > 2) return undefined;
  if (parts.length === 1)
    return definition.identifiers === undefined ? { kind: 'token', code: left } : undefined;
  if (right === undefined || (left === '' && right === '')) return undefined;
  if (right === '') return definition.identifiers === undefined ? { kind: 'token', system: left } : undefined;
  const code = identifierValue(definition, left, right);
  return code === undefined ? undefined : { kind: 'token', system: left, code };
}

/** A person or thing by its identifier, `system|value`; the value alone only where any system will do. */
function readIdentifier(definition: ParameterDefinition, text: string): SearchValue | undefined {
  const token = readToken(definition, text);
  if (token?.code === undefined) return undefined;
  return {
    kind: 'identifier',
    value: token.code,
    ...(token.system !== undefined && { system: token.system }),
  };
}

function identifierValue(definition: ParameterDefinition, system: string, value: string): string | undefined {
  if (definition.identifiers === undefined) return value;
  return definition.identifiers.get(system)?.(value);
}

function splitPrefix(
  definition: ParameterDefinition,
  text: string,
): { readonly prefix: Prefix; readonly rest: string } | undefined {
  const [, written, rest] = PREFIXED.exec(text) ?? [];
  if (rest === undefined) return undefined;
  const prefix = (written ?? 'eq') as Prefix;
  if (written !== undefined && definition.prefixes?.includes(prefix) === false) return undefined;
  return { prefix, rest };
}

function readDate(definition: ParameterDefinition, text: string): SearchValue | undefined {
  const prefixed = splitPrefix(definition, text);
  const range = prefixed === undefined ? undefined : dateRange(prefixed.rest);
  if (prefixed === undefined || range === undefined) return undefined;
  return { kind: 'date', prefix: prefixed.prefix, text: prefixed.rest, range };
}

function readNumber(definition: ParameterDefinition, text: string): NumberValue | undefined {
  const prefixed = splitPrefix(definition, text);
  const parts = prefixed === undefined ? null : DECIMAL.exec(prefixed.rest);
  if (prefixed === undefined || parts === null) return undefined;
  const value = Number(prefixed.rest);
  const [from, to] = impliedRange(parts);
  if (![value, from, to].every(Number.isFinite)) return undefined;
  return { kind: 'number', prefix: prefixed.prefix, value, from, to };
}

/** Half of the last digit either way, in digits: what 5.4 + 0.05 comes to as a double is not 5.45. */
function impliedRange([, sign, whole = '', fraction = '', exponent = '0']: RegExpExecArray): readonly [
  from: number,
  to: number,
] {
  const tenfold = BigInt(`${whole}${fraction}0`) * (sign === '-' ? -1n : 1n);
  const power = Number(exponent) - fraction.length - 1;
  return [Number(`${tenfold - 5n}e${power}`), Number(`${tenfold + 5n}e${power}`)];
}

/** `5.4`, `5.4|system|code` or `5.4||code` */
function readQuantity(definition: ParameterDefinition, text: string): SearchValue | undefined {
  const [amount = '', system, code, ...more] = splitEscaped(text, '|').map(unescapeValue);
  const number = readNumber(definition, amount);
  if (number === undefined || more.length > 0) return undefined;
  if (!text.includes('|')) return { kind: 'quantity', number };
  if (system === undefined || code === undefined || code === '') return undefined;
  return { kind: 'quantity', number, system, code };
}

/** `id`, `Type/id`, or the URL of one of our own resources */
function readReference(
  definition: ParameterDefinition,
  suffix: Suffix | undefined,
  text: string,
  context: ReadingContext,
): SearchValue | undefined {
  const plain = unescapeValue(text);
  if (plain === undefined) return undefined;
  const ofModifier = suffix?.startsWith(':') ? suffix.slice(1) : undefined;
  const onlyTarget = definition.targets?.length === 1 ? definition.targets[0] : undefined;
  if (ID.test(plain)) {
    const type = ofModifier ?? onlyTarget;
    return { kind: 'reference', id: plain, ...(type !== undefined && { type }) };
  }
  if (definition.canonical === true && /^(?:https?|urn):[^\s]+$/.test(plain))
    return { kind: 'uri', uri: plain };
  const relative = plain.startsWith(`${context.base}/`) ? plain.slice(context.base.length + 1) : plain;
  const local = relative.includes('/_history/') ? undefined : localReference(relative);
  if (local === undefined || definition.targets?.includes(local.type) === false) return undefined;
  if (ofModifier !== undefined && ofModifier !== local.type) return undefined;
  return { kind: 'reference', type: local.type, id: local.id };
}

function readComposite(
  definition: ParameterDefinition,
  text: string,
  context: ReadingContext,
): SearchValue | undefined {
  const components = definition.components ?? [];
  const texts = splitEscaped(text, '$');
  if (components.length === 0 || texts.length !== components.length) return undefined;
  const parts: SearchValue[] = [];
  for (const [index, component] of components.entries()) {
    const part = readValue(component, undefined, texts[index] ?? '', context);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return { kind: 'composite', parts };
}
