import type { Ajv, ErrorObject, FuncKeywordDefinition, ValidateFunction } from 'ajv';
import { type Choice, isResourceType } from './r4.ts';

/**
 * What JSON schema cannot say of R4, as keywords of the generated schema. Each is a closure over its part of the
 * schema, made once per definition; faults are reported with the member's name in `params.member`.
 */

type Json = Record<string, unknown>;
type DataValidateFunction = ReturnType<NonNullable<FuncKeywordDefinition['compile']>>;
type Fault = Partial<ErrorObject>;

/** Finds the validator of a resource type, or undefined where the type's structure is not known. */
export type FindValidator = (type: string) => ValidateFunction | undefined;

/** A keyword's check: answers the faults it found, usually none. */
type Check = (data: Json) => readonly Fault[] | undefined;

export function addKeywords(ajv: Ajv, find: FindValidator): void {
  ajv.addKeyword({ keyword: 'modifiers', schemaType: 'array' });
  ajv.addKeyword({
    keyword: 'present',
    type: 'object',
    compile: (names: string[]) => checking(present(names)),
  });
  ajv.addKeyword({
    keyword: 'paired',
    type: 'object',
    compile: (names: string[]) => checking(paired(names)),
  });
  ajv.addKeyword({ keyword: 'bound', type: 'object', compile: (codes: string[]) => checking(bound(codes)) });
  ajv.addKeyword({
    keyword: 'choices',
    type: 'object',
    compile: (choices: Record<string, Choice>) => checking(oneOfEach(choices)),
  });
  ajv.addKeyword({ keyword: 'resource', compile: () => resource(find) });
}

function checking(check: Check): DataValidateFunction {
  const validate: DataValidateFunction = (data: Json) => {
    const faults = check(data);
    if (faults === undefined) return true;
    validate.errors = [...faults];
    return false;
  };
  return validate;
}

/** Required primitives: an extension in `_name` may stand for the value (data-absent-reason). */
function present(names: readonly string[]): Check {
  return (data) => {
    let faults: Fault[] | undefined;
    for (const member of names) {
      if (data[member] !== undefined || hasExtension(data[`_${member}`])) continue;
      faults ??= [];
      faults.push({ keyword: 'required', params: { member } });
    }
    return faults;
  };
}

function hasExtension(companion: unknown): boolean {
  if (Array.isArray(companion)) return companion.some(hasExtension);
  return typeof companion === 'object' && companion !== null && 'extension' in companion;
}

/** At most one member of each choice element, and one where it is required. */
function oneOfEach(choices: Readonly<Record<string, Choice>>): Check {
  const choiceOf = new Map<string, { name: string; member: string }>();
  for (const [name, choice] of Object.entries(choices)) {
    for (const member of choice.members) {
      choiceOf.set(member, { name, member });
      choiceOf.set(`_${member}`, { name, member });
    }
  }
  const required = Object.keys(choices).filter((name) => (choices[name]?.min ?? 0) > 0);
  return (data) => {
    let faults: Fault[] | undefined;
    let seen: Map<string, string> | undefined;
    for (const key in data) {
      const found = choiceOf.get(key);
      if (found === undefined) continue;
      seen ??= new Map();
      const earlier = seen.get(found.name);
      seen.set(found.name, found.member);
      if (earlier !== undefined && earlier !== found.member) {
        faults ??= [];
        faults.push({ keyword: 'choice', params: { member: found.name } });
      }
    }
    for (const name of required) {
      if (seen?.has(name)) continue;
      faults ??= [];
      faults.push({ keyword: 'required', params: { member: name } });
    }
    return faults;
  };
}

/** Arrays of primitives: a null stands only where the companion array holds the element, and the reverse. */
function paired(names: readonly string[]): Check {
  return (data) => {
    let faults: Fault[] | undefined;
    for (const name of names) {
      const companion = data[`_${name}`];
      const values = data[name];
      if (companion === undefined && (!Array.isArray(values) || !values.includes(null))) continue;
      if (bothGiven(values, companion)) continue;
      faults ??= [];
      faults.push({ keyword: 'null', params: { member: name } });
    }
    return faults;
  };
}

function bothGiven(values: unknown, companion: unknown): boolean {
  const left: readonly unknown[] = Array.isArray(values) ? values : [];
  const right: readonly unknown[] = Array.isArray(companion) ? companion : [];
  const length = Math.max(left.length, right.length);
  for (let i = 0; i < length; i++) {
    if ((left[i] ?? null) === null && (right[i] ?? null) === null) return false;
  }
  return true;
}

/** A CodeableConcept with a required binding has a coding of the value set (terminologies.html#strength). */
function bound(codes: readonly string[]): Check {
  const known = new Set(codes);
  return (data) => {
    const codings: readonly unknown[] = Array.isArray(data['coding']) ? data['coding'] : [];
    const found = codings.some((coding) => {
      if (typeof coding !== 'object' || coding === null) return false;
      const { system, code } = coding as Json;
      return known.has(`${String(system)}|${String(code)}`);
    });
    return found ? undefined : [{ keyword: 'enum', params: {} }];
  };
}

/** A resource within another: checked in full where its type is known, otherwise only named. */
function resource(find: FindValidator): DataValidateFunction {
  const validate: DataValidateFunction = (data: unknown, context) => {
    const type = typeof data === 'object' && data !== null ? (data as Json)['resourceType'] : undefined;
    if (typeof type !== 'string' || !isResourceType(type)) {
      validate.errors = [{ keyword: 'resource-type', params: {} }];
      return false;
    }
    const inner = find(type);
    if (inner === undefined || inner(data)) return true;
    const path = context?.instancePath ?? '';
    validate.errors = (inner.errors ?? []).map((each) => ({
      ...each,
      instancePath: path + (each.instancePath ?? ''),
    }));
    return false;
  };
  return validate;
}
