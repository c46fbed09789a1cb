import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evalFhirPath } from '@medplum/core';
import fc from 'fast-check';
import t from 'tap';
import { SERVED_NAMES } from '../../src/fhir/served.ts';
import { validateStructure } from '../../src/fhir/structure.ts';
import { conformsToUkCore, declareUkCore, ukCoreProfileOf } from '../../src/fhir/uk-core.ts';
import { sharedData } from '../real/shared-data.ts';
import { type Definition, differentialFaults, type Element, type Json } from '../support/differential.ts';
import { ukCoreDefinitions } from '../support/uk-core-definitions.ts';
import { type Demand, demandsOf, extensionsNamed } from '../support/uk-core-demands.ts';

const UK = 'https://fhir.hl7.org.uk/StructureDefinition/UKCore-';
const EXTENSION = 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-';
const shared = sharedData();
const skip = shared === undefined ? 'the published definitions of ../shared/data are not here' : false;

/** Demands that a resource alone does not decide, or that cannot be missed. */
const NOT_DECIDED: Readonly<Record<string, string>> = {
  'extension-Observation.triggeredBy Extension.extension:type binding': 'a value set of R5, not of UK Core',
  'extension-Patient.fetalStatus Extension.value[x] binding': 'a value set of R6, not of UK Core',
};

function loaded(): ReturnType<typeof ukCoreDefinitions> {
  return ukCoreDefinitions(join(shared ?? '', 'ukcore-definitions'));
}

t.test('every type that UK Core has a profile of is declared, the audit log apart', { skip }, async (t) => {
  const { all } = loaded();
  for (const type of [...SERVED_NAMES, 'OperationOutcome']) {
    const published = all.get(UK + type);
    // BALP's patterns say what an event is; UK Core adds nothing to that
    t.equal(ukCoreProfileOf(type), type === 'AuditEvent' ? undefined : published?.url, type);
  }
});

t.test('what the profiles demand is decided as the definitions decide it', { skip }, async (t) => {
  const definitions = loaded();
  const judge = publishedJudge();
  const passedOver = new Set<string>();
  let decided = 0;
  for (const type of SERVED_NAMES) {
    const definition = definitions.all.get(ukCoreProfileOf(type) ?? '');
    if (definition === undefined) continue;
    for (const { name, kept, broken } of demandsOf(definitions, definition)) {
      if (Object.hasOwn(NOT_DECIDED, name)) {
        passedOver.add(name);
        continue;
      }
      t.ok(judge(kept) && conformsToUkCore(kept), `${name} is met, and it conforms`);
      t.notOk(judge(broken), `${name} is broken`);
      t.notOk(conformsToUkCore(broken), `${name} is broken, and that is found`);
      decided++;
    }
  }
  t.ok(decided > 150, `${decided} demands`);
  t.strictSame([...passedOver].sort(), Object.keys(NOT_DECIDED).sort(), 'what is passed over is demanded');
});

t.test('nothing that a differential demands is without a case', { skip }, async (t) => {
  const definitions = loaded();
  for (const type of SERVED_NAMES) {
    const definition = definitions.all.get(ukCoreProfileOf(type) ?? '');
    if (definition === undefined) continue;
    const cases = new Set(demandsOf(definitions, definition).map((demand: Demand) => demand.about));
    for (const each of [definition, ...extensionsNamed(definitions, definition)]) {
      for (const element of each.differential.element) {
        for (const demand of demanding(each, element)) t.ok(cases.has(demand), `${type}: ${demand}`);
      }
    }
  }
});

/** Read off the element by itself, so that a way of making cases that overlooks some is found out. */
function demanding({ url }: Definition, element: Element): string[] {
  const { id, min = 0, max, binding, type } = element;
  const about = `${url} ${id}`;
  // the url or system that tells a slice apart: another one is another slice
  const tells = Object.keys(element).some((name) => name.startsWith('fixed'));
  return [
    ...(min > 0 && !tells ? [`${about} min`] : []),
    // R4 has a value once at most
    ...(max === undefined || max === '*' || (max === '1' && id.endsWith('value[x]')) ? [] : [`${about} max`]),
    ...(id.endsWith('value[x]') && type !== undefined && max !== '0' && id.startsWith('Extension')
      ? [`${about} type`]
      : []),
    ...(binding?.strength === 'required' ? [`${about} binding`] : []),
    ...(Object.keys(element).some((name) => name.startsWith('pattern')) ? [`${about} pattern`] : []),
    ...invariantsOf(element).map(({ key }) => `${about} ${key}`),
  ];
}

function invariantsOf(element: Element): readonly { readonly key: string; readonly expression: string }[] {
  return (element['constraint'] ?? []) as { key: string; expression: string }[];
}

/** Published resources of the types that we declare. */
function examples(folder: string): readonly Json[] {
  return readdirSync(folder)
    .map((name): Json => JSON.parse(readFileSync(join(folder, name), 'utf8')))
    .filter((resource) => ukCoreProfileOf(String(resource['resourceType'])) !== undefined);
}

/** As the published definitions judge: differentials, and invariants by another's FHIRPath. */
function publishedJudge(): (resource: Json) => boolean {
  const definitions = loaded();
  return (resource) => {
    const profile = ukCoreProfileOf(String(resource['resourceType'])) ?? '';
    const [root] = definitions.all.get(profile)?.differential.element ?? [];
    const invariants = root === undefined ? [] : invariantsOf(root);
    return (
      differentialFaults(definitions, profile, resource).length === 0 &&
      invariants.every(({ expression }) => evalFhirPath(expression, resource)[0] === true)
    );
  };
}

t.test('required value sets have the codes that are published, and no others', { skip }, async (t) => {
  const judge = publishedJudge();
  const { systems } = loaded();
  const ours = /v3-AdministrativeGender$|v3-NullFlavor$|UKCore-NHSNumberVerificationStatus/;
  const codings = [...systems].flatMap(([system, codes]) =>
    ours.test(system) ? [...codes.map(({ code }) => ({ system, code })), { system, code: 'zz' }] : [],
  );
  const tags = [
    'en',
    'en-GB',
    'cy',
    'zh-Hans-CN',
    'sl-rozaj-1994',
    'de-DE-u-co-phonebk',
    'en_GB',
    'x',
    'englishes-',
  ];
  const languages = tags.map((code) => ({ system: 'urn:ietf:bcp:47', code }));
  let held = 0;
  for (const coding of [...codings, ...languages, { system: 'urn:other', code: 'en' }, { code: '01' }]) {
    const concept = { coding: [coding] };
    const patients = [
      { extension: [{ url: `${EXTENSION}BirthSex`, valueCodeableConcept: concept }] },
      {
        identifier: [
          {
            extension: [{ url: `${EXTENSION}NHSNumberVerificationStatus`, valueCodeableConcept: concept }],
            system: 'https://fhir.nhs.uk/Id/nhs-number',
            value: '9990000018',
          },
        ],
      },
      { communication: [{ language: concept }] },
    ];
    for (const parts of patients) {
      const patient = { resourceType: 'Patient', ...parts };
      const conforms = conformsToUkCore(patient);
      t.equal(conforms, judge(patient), `${JSON.stringify(coding)} in ${Object.keys(parts)}`);
      if (conforms) held++;
    }
  }
  t.equal(held, 4 + 18 + 6, 'as many as there are');
});

t.test('published examples are judged as the definitions judge them', { skip }, async (t) => {
  const judge = publishedJudge();
  const found = examples(join(shared ?? '', 'ukcore-examples', 'json'));
  t.ok(found.length > 100, `${found.length} examples`);
  for (const example of found) {
    t.equal(conformsToUkCore(example), judge(example), `${example['resourceType']}/${example['id']}`);
  }
  const conforming = found.filter(conformsToUkCore).length;
  t.ok(conforming > 0.9 * found.length, `${conforming} conform`);
});

t.test('so are examples with something taken out or said twice', { skip }, async (t) => {
  const judge = publishedJudge();
  const found = examples(join(shared ?? '', 'ukcore-examples', 'json'));
  let broken = 0;
  fc.assert(
    fc.property(fc.constantFrom(...found), fc.infiniteStream(fc.nat()), (example, choices) => {
      const changed = edited(example, choices);
      fc.pre(validateStructure(changed).length === 0);
      const conforms = conformsToUkCore(changed);
      if (!conforms) broken++;
      return conforms === judge(changed);
    }),
    { numRuns: 3000 },
  );
  t.ok(broken > 30, `${broken} no longer conform`);
});

/** A copy in which one member is left out, or one item of a list is there twice. */
function edited(example: Json, choices: Iterator<number>): Json {
  const copy: Record<string, unknown> = structuredClone({ ...example });
  let at: unknown = copy;
  for (let depth = 0; depth < 8; depth++) {
    const choice: number = choices.next().value;
    if (Array.isArray(at)) {
      const index = choice % at.length;
      if (choice % 3 === 0) return Object.assign(copy, void at.push(structuredClone(at[index])));
      at = at[index];
      continue;
    }
    if (typeof at !== 'object' || at === null) break;
    const names = Object.keys(at).filter((name) => name !== 'resourceType');
    const name = names[choice % names.length];
    if (name === undefined) break;
    const inner = (at as Record<string, unknown>)[name];
    if (choice % 4 === 0 || typeof inner !== 'object') {
      delete (at as Record<string, unknown>)[name];
      return copy;
    }
    at = inner;
  }
  return copy;
}

t.test('a resource declares what holds, and keeps of its claims what may hold', async (t) => {
  const declared = (resource: object): unknown =>
    (declareUkCore(resource) as { meta?: { profile?: unknown } }).meta?.profile;
  const allergy = { resourceType: 'AllergyIntolerance', code: { text: 'Nuts' } };
  const own = `${UK}AllergyIntolerance`;
  const other = 'http://hl7.org/fhir/StructureDefinition/x';
  t.strictSame(declared(allergy), [own], 'though nothing is claimed');
  t.strictSame(declared({ ...allergy, meta: { profile: [other, own] } }), [own, other], 'once, and first');
  t.strictSame(
    declared({ ...allergy, meta: { profile: [`${own}|2.5.0`] } }),
    [own, `${own}|2.5.0`],
    'with the version that is claimed',
  );
  const { code, ...codeless } = allergy;
  for (const claim of [own, `${own}|2.5.0`, own.replace('https', 'http')]) {
    t.equal(declared({ ...codeless, meta: { profile: [claim] } }), undefined, `${claim} does not hold`);
    t.strictSame(declared({ ...codeless, meta: { profile: [claim, other] } }), [other]);
  }
  const narrow = `${UK}Observation-Lab`;
  const observation = { resourceType: 'Observation', meta: { profile: [`${UK}Patient`, narrow] } };
  t.strictSame(declared(observation), [`${UK}Observation`, narrow], 'a profile of another type never holds');
  t.equal(declared({ resourceType: 'Binary' }), undefined, 'UK Core has none');
  const settled = { ...allergy, meta: { profile: [own] } };
  t.equal(declareUkCore(settled), settled, 'nothing to change');
  const ordered = declareUkCore({ ...allergy, meta: { source: 's', security: [], tag: [] } });
  t.strictSame(Object.keys(ordered.meta), ['source', 'profile', 'security', 'tag'], 'in a settled order');
});

t.test('invariants of UK Core', async (t) => {
  const immunization = { resourceType: 'Immunization', status: 'not-done' };
  t.notOk(conformsToUkCore(immunization), 'not done, without a reason');
  t.ok(conformsToUkCore({ ...immunization, statusReason: { text: 'Refused' } }));
  t.ok(conformsToUkCore({ ...immunization, status: 'completed' }));
  const url = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.media.link';
  const reference = { reference: 'Media/1' };
  const report = (...media: object[]): object => ({ resourceType: 'DiagnosticReport', media });
  const extended = { extension: [{ url, valueReference: reference }], link: { display: 'X-ray' } };
  t.ok(conformsToUkCore(report(extended)));
  t.ok(conformsToUkCore(report({ link: reference })));
  t.notOk(conformsToUkCore(report(extended, { link: reference })), 'media linked both ways');
});
