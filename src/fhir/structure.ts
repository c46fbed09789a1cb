import { Ajv, type ErrorObject } from 'ajv';
import { PRIMITIVE_FORMATS } from './primitives.ts';
import { DEFINITIONS, elementName, isCheckedType } from './r4.ts';
import { addKeywords, type FindValidator } from './structure-keywords.ts';

/** A way in which a resource is not FHIR R4. */
export interface StructureFault {
  /** FHIRPath of the element, `Patient.name[0].given`. Holds names of elements only, never values. */
  readonly element: string;
  /**
   * `required`, `unknown-element`, `empty`, `null`, `choice` (two members of one choice element), `code` (not in the
   * required value set), `range`, `type:<JSON type>`, `format:<FHIR primitive>`, `resource-type`, `depth`,
   * `structure` (none of these).
   */
  readonly rule: string;
}

const MAX_FAULTS = 10;
const MAX_DEPTH = 64;
/** Above this many values only the first fault is looked for: collecting them all costs memory per fault. */
const MAX_VALUES_FOR_ALL_FAULTS = 5_000;

/** One validator per type, compiled when first needed: most processes see few types. */
function validators(allErrors: boolean): FindValidator {
  const ajv = new Ajv({ allErrors, strictTypes: false, allowUnionTypes: true, validateSchema: false });
  for (const [name, validate] of Object.entries(PRIMITIVE_FORMATS)) ajv.addFormat(name, validate);
  const find: FindValidator = (type) =>
    isCheckedType(type) ? ajv.getSchema(`r4#/definitions/${type}`) : undefined;
  addKeywords(ajv, find);
  ajv.addSchema({ definitions: DEFINITIONS }, 'r4');
  return find;
}

const first = validators(false);
const all = validators(true);

/**
 * Checks a resource against FHIR R4: names, types and cardinality of elements, primitive grammar (with dates that
 * exist), required value sets of codes, choice elements, no empty values. Profiles and invariants are not checked,
 * nor the content of contained resources of types that are not served. Never throws.
 *
 * @param resource parsed JSON, of any shape
 * @returns no faults for a valid resource, otherwise 1 to 10
 */
export function validateStructure(resource: unknown): readonly StructureFault[] {
  if (typeof resource !== 'object' || resource === null || Array.isArray(resource)) {
    return [{ element: '', rule: 'type:object' }];
  }
  const type: unknown = 'resourceType' in resource ? resource.resourceType : undefined;
  if (typeof type !== 'string' || !isCheckedType(type)) {
    return [{ element: 'resourceType', rule: 'resource-type' }];
  }
  if (isDeeper(resource, MAX_DEPTH)) return [{ element: type, rule: 'depth' }];
  const quick = first(type);
  if (quick === undefined) return [{ element: type, rule: 'resource-type' }];
  if (quick(resource)) return [];
  const thorough = hasMoreValues(resource, MAX_VALUES_FOR_ALL_FAULTS) ? undefined : all(type);
  thorough?.(resource);
  return faultsOf(type, thorough?.errors ?? quick.errors ?? []);
}

function faultsOf(type: string, errors: readonly ErrorObject[]): readonly StructureFault[] {
  const faults = new Map<string, StructureFault>();
  for (const error of errors) {
    const rule = ruleOf(error);
    if (rule === undefined) continue;
    const element = elementOf(type, error);
    faults.set(`${element} ${rule}`, { element, rule });
    if (faults.size === MAX_FAULTS) break;
  }
  return faults.size > 0 ? [...faults.values()] : [{ element: type, rule: 'structure' }];
}

/** @returns undefined for errors that only follow from another one */
function ruleOf(error: ErrorObject): string | undefined {
  switch (error.keyword) {
    case 'anyOf':
      return undefined;
    case 'type': {
      const type = String(error.params['type']);
      return type === 'null' ? undefined : `type:${type.replace(',null', '')}`;
    }
    case 'format':
      return `format:${String(error.params['format'])}`;
    case 'additionalProperties':
      return 'unknown-element';
    case 'enum':
      return 'code';
    case 'const':
      return 'resource-type';
    case 'minItems':
    case 'minProperties':
      return 'empty';
    case 'minimum':
    case 'maximum':
      return 'range';
    default:
      return error.keyword;
  }
}

function elementOf(type: string, error: ErrorObject): string {
  let path = type;
  for (const step of error.instancePath.split('/').slice(1)) {
    path += /^\d+$/.test(step) ? `[${step}]` : `.${named(step)}`;
  }
  const { member, missingProperty, additionalProperty } = error.params;
  const last: unknown = member ?? missingProperty ?? additionalProperty;
  return typeof last === 'string' ? `${path}.${named(last)}` : path;
}

/** Names in a row are the sender's: what does not look like an element's name is not repeated. */
function named(step: string): string {
  return /^_?[A-Za-z][A-Za-z_]{0,63}$/.test(step) ? elementName(step) : '?';
}

/** The generated validators call themselves for nested extensions and resources, so depth is bounded before. */
function isDeeper(value: object, depth: number): boolean {
  if (depth === 0) return true;
  for (const key in value) {
    const inner: unknown = (value as Record<string, unknown>)[key];
    if (typeof inner === 'object' && inner !== null && isDeeper(inner, depth - 1)) return true;
  }
  return false;
}

function hasMoreValues(value: object, limit: number): boolean {
  let left = limit;
  const count = (each: object): void => {
    for (const key in each) {
      left--;
      if (left < 0) return;
      const inner: unknown = (each as Record<string, unknown>)[key];
      if (typeof inner === 'object' && inner !== null) count(inner);
    }
  };
  count(value);
  return left < 0;
}
