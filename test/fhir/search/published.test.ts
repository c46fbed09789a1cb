import t from 'tap';
import {
  type IndexedParameter,
  indexedParameters,
  LEFT_OUT,
  type Leaf,
} from '../../../src/fhir/search/indexed.ts';
import { searchTable } from '../../../src/fhir/search/tables.ts';
import { SERVED_NAMES } from '../../../src/fhir/served.ts';
import { sharedData } from '../../real/shared-data.ts';
import {
  type Definition,
  MedplumSearch,
  publishedExamples,
  publishedParameters,
} from '../../support/published-search.ts';
import type { Resource } from '../../support/searching.ts';

/** The generated parameters beside HL7's own definitions. Every difference is named here, with its reason. */

const data = sharedData();
const skip = data === undefined && 'no shared data';
const published = data === undefined ? [] : publishedParameters(data);

function definitionsOf(type: string): readonly Definition[] {
  return published.filter((each) => each.base?.some((base) => base === type));
}

/** Parameters of R4 that this service does not have. */
const ABSENT: Readonly<Record<string, readonly string[]>> = {
  'of extensions, not of the resource': [
    'DiagnosticReport.assessed-condition',
    'Observation.amino-acid-change',
    'Observation.dna-variant',
    'Observation.gene-amino-acid-change',
    'Observation.gene-dnavariant',
    'Observation.gene-identifier',
    'Patient.age',
    'Patient.birthOrderBoolean',
    'Patient.mothersMaidenName',
    'Patient.part-agree',
  ],
  'what sounds alike differs from one algorithm to the next': [
    'Organization.phonetic',
    'Patient.phonetic',
    'Practitioner.phonetic',
    'RelatedPerson.phonetic',
  ],
  'needs distances on the globe': ['Location.near'],
};

/** An example of how to define a parameter, under the name of one that there is. */
const EXAMPLE = 'http://hl7.org/fhir/SearchParameter/example-reference';

/** Parameters that many types share name more than the elements of these types refer to. */
const NARROWER: Readonly<Record<string, string>> = {
  'AllergyIntolerance.patient': 'Group',
  'Consent.patient': 'Group',
  'DiagnosticReport.encounter': 'EpisodeOfCare',
  'EpisodeOfCare.patient': 'Group',
  'Flag.encounter': 'EpisodeOfCare',
  'Immunization.patient': 'Group',
  'Observation.encounter': 'EpisodeOfCare',
  'Procedure.encounter': 'EpisodeOfCare',
  'ServiceRequest.encounter': 'EpisodeOfCare',
};

/** Parameters that R4 lacks and we have (profiles/). */
const OURS = 'https://mycarerecord.example/';

t.test('the parameters are those of R4, by name, type and definition', { skip }, async (t) => {
  const absent: string[] = [];
  const added: string[] = [];
  let compared = 0;
  for (const type of SERVED_NAMES) {
    const definitions = definitionsOf(type).filter(({ url }) => url !== EXAMPLE);
    const own = new Map(definitions.map((each) => [each.code, each]));
    t.equal(own.size, definitions.length, `${type} has no name twice`);
    for (const [name, { type: kind, url }] of indexedParameters(type)) {
      if (url.startsWith(OURS)) {
        t.notOk(own.has(name), `${type}.${name} is ours where R4 has none`);
        added.push(`${type}.${name}`);
        continue;
      }
      const definition =
        own.get(name) ?? published.find((each) => each.code === name && String(each.base) === 'Resource');
      t.strictSame({ kind, url }, { kind: definition?.type, url: definition?.url }, `${type}.${name}`);
      compared += 1;
    }
    absent.push(
      ...[...own.keys()]
        .filter((name) => !indexedParameters(type).has(String(name)))
        .map((name) => `${type}.${name}`),
    );
    t.ok(searchTable(type)?.has('_id'), `${type}._id is read from the table`);
  }
  t.strictSame(absent.sort(), Object.values(ABSENT).flat().sort(), 'what is left out');
  t.strictSame(added.sort(), [
    'AuditEvent.mcr-detail',
    'AuditEvent.mcr-detail-type',
    'AuditEvent.mcr-detail-value',
    'AuditEvent.mcr-organisation',
    'AuditEvent.mcr-outcome-reason',
    'AuditEvent.mcr-purpose',
    'AuditEvent.mcr-time-of-day',
    'Flag.category',
    'Flag.code',
    'Flag.status',
  ]);
  t.strictSame(Object.keys(LEFT_OUT).sort(), ['near', 'phonetic']);
  const ofEveryType = [...definitionsOf('Resource'), ...definitionsOf('DomainResource')].map(({ code }) =>
    String(code),
  );
  const common = [...indexedParameters('Binary').keys()];
  t.strictSame(
    [...new Set(ofEveryType)].filter((name) => !common.includes(name)).sort(),
    ['_content', '_filter', '_id', '_query', '_text'],
    'of every type: the id is read by other means, the rest needs an index of words or a language of its own',
  );
  t.comment(`${compared} parameters compared, ${absent.length} left out`);
});

t.test('references lead to the types that R4 says', { skip }, async (t) => {
  const classes = { same: 0, 'any type': 0, 'one type, by the expression': 0, 'fewer, by the element': 0 };
  for (const type of SERVED_NAMES) {
    for (const { code = '', type: kind, target = [], expression = '', url } of definitionsOf(type)) {
      const parameter = indexedParameters(type).get(code);
      if (parameter === undefined || kind !== 'reference' || url === EXAMPLE) continue;
      const { targets = [] } = parameter;
      const less = target.filter((each) => !targets.includes(each));
      const more = targets.filter((each) => !target.some((one) => one === each));
      t.strictSame(more, [], `${type}.${code} leads nowhere that R4 does not`);
      const own = expression.split('|').find((part) => part.includes(`${type}.`)) ?? '';
      const narrowed = /resolve\(\) is (\w+)/.exec(own)?.[1];
      if (less.length === 0) classes.same += 1;
      else if (targets.length === 0 && target.length > 140) classes['any type'] += 1;
      else if (narrowed !== undefined && targets.join() === narrowed)
        classes['one type, by the expression'] += 1;
      else if (NARROWER[`${type}.${code}`] === less.join()) classes['fewer, by the element'] += 1;
      else t.fail(`${type}.${code} does not lead to ${less.join(', ')}`);
    }
  }
  t.equal(classes['fewer, by the element'], Object.keys(NARROWER).length, 'each is still so');
  t.comment(JSON.stringify(classes));
});

t.test('composites have the parts that R4 says, in its order', { skip }, async (t) => {
  let compared = 0;
  for (const type of SERVED_NAMES) {
    for (const { code = '', component = [] } of definitionsOf(type)) {
      if (component.length === 0) continue;
      const { components = [] } = indexedParameters(type).get(code) ?? {};
      const kinds = component.map(({ definition }) => published.find(({ url }) => url === definition)?.type);
      // R4 names the parameter of the target where it has the expression of the code, and the reverse
      if (code === 'relationship') kinds.reverse();
      t.strictSame(
        components.map((each) => each.type),
        kinds,
        `${type}.${code}`,
      );
      compared += 1;
    }
  }
  t.ok(compared >= 9, `${compared} composites`);
});

function at(value: unknown, path: readonly string[]): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((each) => at(each, path));
  const [name, ...rest] = path;
  if (name === undefined) return [value];
  return typeof value === 'object' ? at((value as Record<string, unknown>)[name], rest) : [];
}

function isOf(value: unknown, { where, target }: Leaf): boolean {
  const { system, reference, type } = value as { system?: string; reference?: string; type?: string };
  return (
    (where === undefined || system === where) &&
    (target === undefined || (reference?.split('/')[0] ?? type) === target)
  );
}

/** What the generated paths lead to, walked by other means than the service's. */
function reached(
  type: string,
  { leaves = [], of, only, parts = [] }: IndexedParameter,
  resource: Resource,
): readonly unknown[] {
  const all = indexedParameters(type);
  const partsOf = parts.flatMap((part) =>
    reached(type, all.get(part) ?? { type: 'special', url: '' }, resource),
  );
  const narrowed = (all.get(of ?? '')?.leaves ?? []).map((leaf) => ({
    ...leaf,
    ...(only !== undefined && { target: only }),
  }));
  const found = [...leaves, ...narrowed].flatMap((leaf) =>
    at(resource, leaf.path).filter((value) => isOf(value, leaf)),
  );
  return [...found, ...partsOf];
}

/** Where FHIRPath and the paths may differ, each with the reason. */
const REACHED_OTHERWISE: Readonly<Record<string, RegExp>> = {
  'Medplum does not narrow a choice by .as(Type) in these': /^Condition\.(?:onset|abatement)-/,
  'an attachment is no reference': /^Consent\.source-reference$/,
  'a condition, not a place': /^Patient\.deceased$/,
};

t.test('each comes from where R4 says, in every published example', { skip }, async (t) => {
  const medplum = new MedplumSearch();
  const differing = new Map<string, number>();
  let compared = 0;
  let values = 0;
  for (const resource of publishedExamples(data ?? '')) {
    const type = resource.resourceType;
    for (const { code = '', expression = '', url } of definitionsOf(type)) {
      const parameter = indexedParameters(type).get(code);
      if (parameter === undefined || parameter.type === 'composite' || url === EXAMPLE) continue;
      const theirs = medplum
        .values(expression, resource)
        .map((each) => JSON.stringify(each))
        .sort();
      const ours = [
        ...new Set(reached(type, parameter, resource).map((each) => JSON.stringify(each))),
      ].sort();
      compared += 1;
      values += ours.length;
      if (JSON.stringify(theirs) === JSON.stringify(ours)) continue;
      const [reason] =
        Object.entries(REACHED_OTHERWISE).find(([, names]) => names.test(`${type}.${code}`)) ?? [];
      if (reason === undefined) t.fail(`${type}.${code} of ${resource.id}`, { theirs, ours });
      differing.set(reason ?? 'unexplained', (differing.get(reason ?? 'unexplained') ?? 0) + 1);
    }
  }
  t.strictSame(
    [...differing.keys()].sort(),
    Object.keys(REACHED_OTHERWISE).sort(),
    'each reason is still one',
  );
  t.ok(compared > 4000 && values > 1000, `${compared} compared, ${values} values`);
  t.comment(`${compared} compared; differing: ${JSON.stringify(Object.fromEntries(differing))}`);
});
