import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The little of FHIR profiling that the BALP profiles use: cardinalities, patterns, slices told apart by type. */

interface Json {
  readonly [name: string]: unknown;
}
interface Element extends Json {
  readonly id: string;
}
interface Definition extends Json {
  readonly baseDefinition: string;
  readonly differential: { readonly element: readonly Element[] };
}

const BALP = 'https://profiles.ihe.net/ITI/BALP/';

/** Faults of an event against the differential of a BALP profile and of the BALP profiles it is based on. */
export function balpFaults(folder: string, profile: string, event: Json): string[] {
  const definition: Definition = load(folder, profile);
  const inherited = definition.baseDefinition.startsWith(BALP)
    ? balpFaults(folder, definition.baseDefinition, event)
    : [];
  const elements = [...definition.differential.element];
  return [...inherited, ...elements.flatMap((element) => elementFaults(folder, element, elements, event))];
}

function elementFaults(folder: string, element: Element, all: readonly Element[], event: Json): string[] {
  const [, path = ''] = /^AuditEvent\.(.*)$/.exec(element.id) ?? [];
  const [top = '', ...rest] = path.split('.');
  const [name = '', slice] = top.split(':');
  const values = listOf(event[name]);
  if (slice === undefined) return rest.length > 0 ? [] : within(element, values, folder);
  const members = values.filter((value) => isOfSlice(folder, `AuditEvent.${top}`, all, value));
  if (rest.length === 0) return within(element, members, '');
  return members.flatMap((member) => within(element, descend(member, rest), folder));
}

/** Cardinality, pattern, required binding and type of reference. */
function within(element: Element, values: readonly unknown[], folder: string): string[] {
  const faults: string[] = [];
  const { min, max, binding } = element;
  if (typeof min === 'number' && values.length < min) faults.push(`${element.id}: ${values.length} < ${min}`);
  if (typeof max === 'string' && max !== '*' && values.length > Number(max))
    faults.push(`${element.id}: > ${max}`);
  const pattern = patternOf(element);
  if (pattern !== undefined && values.some((value) => !matches(value, pattern)))
    faults.push(`${element.id}: pattern`);
  if (folder !== '' && isRequired(binding)) {
    const codes = codesOf(folder, String(binding['valueSet']));
    if (values.some((value) => !codes.has(codeOf(value)))) faults.push(`${element.id}: binding`);
  }
  if (JSON.stringify(element['type'] ?? null).includes('StructureDefinition/Patient"')) {
    const isPatient = (value: unknown): boolean =>
      String((value as Json)['reference']).startsWith('Patient/');
    if (!values.every(isPatient)) faults.push(`${element.id}: not a Patient`);
  }
  return faults;
}

/** Members of a slice: those whose `type` (or who themselves) have the pattern or code that names the slice. */
function isOfSlice(folder: string, slice: string, all: readonly Element[], value: unknown): boolean {
  const itself = all.find((element) => element.id === slice);
  const type = all.find((element) => element.id === `${slice}.type`);
  const judge = type ?? itself;
  const judged = type === undefined ? value : (value as Json)['type'];
  const pattern = judge === undefined ? undefined : patternOf(judge);
  if (pattern !== undefined) return matches(judged, pattern);
  const binding = judge?.['binding'];
  return isRequired(binding) && codesOf(folder, String(binding['valueSet'])).has(codeOf(judged));
}

function patternOf(element: Element): unknown {
  const key = Object.keys(element).find((name) => name.startsWith('pattern'));
  return key === undefined ? undefined : element[key];
}

function matches(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern)) {
    return pattern.every((wanted) => listOf(value).some((found) => matches(found, wanted)));
  }
  if (typeof pattern !== 'object' || pattern === null) return value === pattern;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(pattern).every(([name, wanted]) => matches((value as Json)[name], wanted));
}

function descend(value: unknown, path: readonly string[]): unknown[] {
  return path.reduce<unknown[]>(
    (values, name) => values.flatMap((one) => listOf((one as Json)[name])),
    [value],
  );
}

function listOf(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function codeOf(value: unknown): string {
  const { coding, code, system } = value as { coding?: Json[]; code?: string; system?: string };
  const first = coding?.[0];
  return first === undefined ? `${system}|${code}` : `${String(first['system'])}|${String(first['code'])}`;
}

function isRequired(binding: unknown): binding is Json {
  return typeof binding === 'object' && binding !== null && (binding as Json)['strength'] === 'required';
}

function codesOf(folder: string, url: string): ReadonlySet<string> {
  const { compose }: { compose: { include: { system: string; concept?: { code: string }[] }[] } } = load(
    folder,
    url,
  );
  return new Set(
    compose.include.flatMap((part) => (part.concept ?? []).map(({ code }) => `${part.system}|${code}`)),
  );
}

function load<T>(folder: string, url: string): T {
  const name = url.replace(BALP, '').replace('/', '-');
  return JSON.parse(readFileSync(join(folder, 'definitions', `${name}.json`), 'utf8'));
}
