import { type Definition, type Definitions, type Element, type Json, patternOf } from './differential.ts';

/**
 * Cases made from the differentials of UK Core: for everything that a profile demands, a resource that meets it and one
 * that does not. The resources hold what the demand is about and little else.
 */
export interface Demand {
  /** `AllergyIntolerance.code min`, or of an extension `Extension-UKCore-X Extension.value[x] min` */
  readonly name: string;
  /** canonical URL, element and what is demanded */
  readonly about: string;
  readonly kept: Json;
  readonly broken: Json;
}

const LISTS = new Set(
  'extension identifier telecom contact address communication performer resultsInterpreter media category'.split(
    ' ',
  ),
);
/** Primitives whose extensions the profiles name: these stand in `_name`. */
const PRIMITIVES = new Set(['system', 'birthDate', 'priority']);

const SAMPLES: Readonly<Record<string, unknown>> = {
  CodeableConcept: { text: 'x' },
  Reference: { display: 'x' },
  Annotation: { text: 'x' },
  Timing: { code: { text: 'x' } },
  boolean: true,
  code: 'repeat',
  dateTime: '2026-01-01',
  positiveInt: 1,
  string: 'x',
  unsignedInt: 0,
};

/** Concepts of the required value sets. */
const CONCEPTS: Readonly<Record<string, Json>> = {
  'https://fhir.hl7.org.uk/ValueSet/UKCore-BirthSex': concept(
    'http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender',
    'F',
  ),
  'https://fhir.hl7.org.uk/ValueSet/UKCore-NHSNumberVerificationStatus': concept(
    'https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland',
    '01',
  ),
  'http://hl7.org/fhir/ValueSet/all-languages': concept('urn:ietf:bcp:47', 'en-GB'),
};

function concept(system: string, code: string): Json {
  return { coding: [{ system, code }] };
}

/** What every resource of a type must have for its profile, so that a case is about one thing only. */
const WHOLE: Readonly<Record<string, Json>> = {
  AllergyIntolerance: { code: { text: 'x' } },
  Immunization: { status: 'completed' },
  Medication: { code: { text: 'x' } },
  MedicationRequest: { substitution: { allowedBoolean: true } },
};

/** What meets and what breaks each invariant. */
const INVARIANTS: Readonly<Record<string, readonly [Json, Json]>> = {
  'ukcore-imm-001': [{ status: 'completed' }, { status: 'not-done' }],
  'ukcore-diag-lab-002': [{ media: [mediaLink()] }, { media: [mediaLink({ reference: 'Media/1' })] }],
};

function mediaLink(link: Json = { display: 'x' }): Json {
  const url = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.media.link';
  return { extension: [{ url, valueReference: link }], link };
}

export function demandsOf(definitions: Definitions, definition: Definition): Demand[] {
  return definition.differential.element.flatMap((element) =>
    extensionUrl(element) === undefined
      ? ofElement(definitions, definition, element)
      : ofExtension(definitions, definition, element),
  );
}

/** Definitions that the extension slices of a profile name. */
export function extensionsNamed(definitions: Definitions, { differential }: Definition): Definition[] {
  return differential.element.flatMap((element) => {
    const url = extensionUrl(element);
    return (url === undefined ? undefined : definitions.definition(url)) ?? [];
  });
}

function ofElement(definitions: Definitions, definition: Definition, element: Element): Demand[] {
  const { type, url } = definition;
  const { id, min = 0, max, binding } = element;
  const path = id.split('.').slice(1);
  const demand = (what: string, kept: Json, broken: Json): Demand => {
    return { name: `${id} ${what}`, about: `${url} ${id} ${what}`, kept, broken };
  };
  const system = systemOf(definition, path[0] ?? '');
  if (system !== undefined) {
    const one = { system, value: '1' };
    const holding = (...identifier: Json[]): Json => ({ resourceType: type, identifier });
    if (max === '1') return [demand('max', holding(one), holding(one, one))];
    return id.endsWith('.value') ? [demand('min', holding(one), holding({ system }))] : [];
  }
  const found = ((element['constraint'] ?? []) as { key: string }[]).map(({ key }) => {
    const [kept, broken] = INVARIANTS[key] ?? [{}, {}];
    return demand(key, { resourceType: type, ...kept }, { resourceType: type, ...broken });
  });
  if (binding?.strength === 'required') {
    const kept = put(type, path, CONCEPTS[binding.valueSet ?? ''] ?? {});
    found.push(demand('binding', kept, put(type, path, { text: 'x' })));
  }
  if (min === 0) return found;
  const slice = definition.differential.element.find((each) => each.id === id.replace(/\.extension$/, ''));
  const extension = slice === undefined ? undefined : definitions.definition(extensionUrl(slice) ?? '');
  if (slice !== undefined && extension !== undefined) {
    const whole = instanceOf(extension);
    const holding = (value: Json): Json => put(type, path.slice(0, -1), [value]);
    const parts = whole['extension'] as readonly Json[];
    return [...found, demand('min', holding(whole), holding({ ...whole, extension: parts.slice(1) }))];
  }
  const around = path.slice(0, -1);
  const whole = around.length === 0 ? put(type, [], {}) : { system: 'urn:x', value: '1' };
  const holding = (value: Json): Json => (around.length === 0 ? value : put(type, around, value));
  return [...found, demand('min', holding(whole), holding(without(whole, path.at(-1) ?? '')))];
}

function ofExtension(definitions: Definitions, definition: Definition, element: Element): Demand[] {
  const url = extensionUrl(element) ?? '';
  const path = element.id.split('.').slice(1);
  const holding = (...values: Json[]): Json => put(definition.type, path, values);
  const extension = definitions.definition(url);
  const whole = extension === undefined ? { url, valueString: 'x' } : instanceOf(extension);
  const demand = (about: string, name: string, ...broken: Json[]): Demand => {
    return {
      name: `${shortOf(url)} ${name}`,
      about: `${about} ${name}`,
      kept: holding(whole),
      broken: holding(...broken),
    };
  };
  const found: Demand[] = [];
  if (element.max === '1') found.push(demand(definition.url, `${element.id} max`, whole, whole));
  for (const each of extension?.differential.element ?? []) {
    for (const [what, broken] of brokenBy(each, whole))
      found.push(demand(url, `${each.id} ${what}`, ...broken));
  }
  return found;
}

/** An extension with everything that its definition has, and what is wrong where an element of it is not kept. */
function brokenBy(element: Element, whole: Json): [what: string, broken: Json[]][] {
  const { id, min = 0, max, binding, type } = element;
  const [, part] = /^Extension\.extension:([^.]+)/.exec(id) ?? [];
  const parts = (whole['extension'] ?? []) as readonly Json[];
  const others = parts.filter((each) => each['url'] !== part);
  const own = parts.find((each) => each['url'] === part) ?? {};
  const changed = (value: Json): Json[] => [
    part === undefined ? value : { ...whole, extension: [...others, value] },
  ];
  const target = part === undefined ? whole : own;
  const member = Object.keys(target).find((name) => name.startsWith('value')) ?? '';
  const found: [string, Json[]][] = [];
  if (id === 'Extension' && max === '1') found.push(['max', [whole, whole]]);
  if (id === 'Extension.extension' && min > 0) found.push(['min', [{ ...whole, extension: parts.slice(1) }]]);
  if (id === `Extension.extension:${part}`) {
    if (min > 0) found.push(['min', [{ ...whole, extension: others }]]);
    if (max === '1') found.push(['max', [{ ...whole, extension: [...parts, own] }]]);
  }
  if (id.endsWith('.extension') && max === '0') {
    found.push(['max', changed({ ...own, extension: [{ url: 'x', valueString: 'x' }] })]);
  }
  if (id.endsWith('value[x]')) {
    const { [member]: _value, ...bare } = target;
    if (min > 0) found.push(['min', changed(bare)]);
    if (max === '0') found.push(['max', [{ ...whole, valueString: 'x' }]]);
    if (type !== undefined) found.push(['type', changed({ ...bare, valueInstant: '2026-01-01T00:00:00Z' })]);
    if (binding?.strength === 'required')
      found.push(['binding', changed({ ...bare, [member]: { text: 'x' } })]);
  } else if (binding?.strength === 'required') {
    found.push(['binding', changed({ ...own, [member]: 'x' })]);
  }
  return found;
}

/** An extension as its definition asks for it: every part once, values of the first type. */
function instanceOf({ url, differential }: Definition): Json {
  const parts = differential.element.filter(({ id }) => /^Extension\.extension:[^.]+$/.test(id));
  const valueAt = (id: string): Json => {
    const element = differential.element.find((each) => each.id === `${id}.value[x]`);
    const code = element?.type?.[0]?.code;
    if (element === undefined || code === undefined || element.max === '0') return {};
    const value = CONCEPTS[element.binding?.valueSet ?? ''] ?? SAMPLES[code];
    return { [`value${code[0]?.toUpperCase()}${code.slice(1)}`]: value };
  };
  const extension = parts.map(({ id, sliceName }) => ({ url: sliceName, ...valueAt(id) }));
  return { url, ...(extension.length > 0 && { extension }), ...valueAt('Extension') };
}

/** A resource that is whole but for what is put at a path. */
function put(type: string, path: readonly string[], value: unknown): Json {
  const inner = path.reduceRight<unknown>((content, step) => {
    const [name = '', slice] = step.split(':');
    const isPrimitive = PRIMITIVES.has(name);
    const full =
      name === 'identifier' && slice !== undefined ? { ...NUMBERED, ...(content as Json) } : content;
    return { [isPrimitive ? `_${name}` : name]: LISTS.has(name) && !Array.isArray(full) ? [full] : full };
  }, value);
  return { resourceType: type, ...WHOLE[type], ...(path.length > 0 ? (inner as Json) : {}) };
}

const NUMBERED = { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' };

/** The system that tells a slice of identifiers apart. */
function systemOf({ type, differential }: Definition, step: string): string | undefined {
  if (!step.startsWith('identifier:')) return undefined;
  const element = differential.element.find(({ id }) => id === `${type}.${step}.system`);
  return element === undefined ? undefined : String(patternOf(element));
}

function without(object: Json, name: string): Json {
  return Object.fromEntries(Object.entries(object).filter(([each]) => each !== name));
}

function extensionUrl({ type }: Element): string | undefined {
  return type?.[0]?.code === 'Extension' ? type[0].profile?.[0] : undefined;
}

function shortOf(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}
