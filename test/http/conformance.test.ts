import { join } from 'node:path';
import t from 'tap';
import { readConformance } from '../../src/conformance.ts';
import { Oracle } from '../real/oracle.ts';
import { differentialFaults, type Json } from '../support/differential.ts';
import { repositoryRoot } from '../support/root.ts';
import { byNumber, testService } from '../support/service.ts';
import { ownDefinitions } from '../support/uk-core-definitions.ts';

const GP = { kind: 'staff', organisation: 'K82004', role: 'general-practitioner', user: 'gp-jones' } as const;
const OWN = 'https://mycarerecord.example/fhir/StructureDefinition/';
const UK = 'https://fhir.hl7.org.uk/StructureDefinition/UKCore-';

t.test('conformance resources', async (t) => {
  // out-of-hours promises more than it can keep: always stale
  const service = await testService(t, { people: 40 }, (configuration) => {
    const sources = configuration['sources'] as { code: string; staleAfterHours: number }[];
    for (const source of sources) if (source.code === 'out-of-hours') source.staleAfterHours = 1e-9;
  });
  const { baseUrl } = service.service.disclosure;
  const ids = async (path: string): Promise<string[]> => {
    const { status, json } = await service.get(path);
    t.equal(status, 200, path);
    return (json.entry ?? []).map((entry: { resource: { id: string } }) => entry.resource.id);
  };

  t.test('are read by anybody, as they are written', async (t) => {
    for (const { type, id, body } of await readConformance(join(repositoryRoot(), 'profiles'))) {
      const answer = await service.get(`${type}/${id}`);
      t.equal(answer.status, 200, `${type}/${id}`);
      t.equal(answer.text, body);
      t.match(answer.headers['content-type'], /^application\/fhir\+json/);
    }
    const unknown = await service.get('CodeSystem/aggregated-patient');
    t.equal(unknown.status, 404, 'an id of another type');
    t.equal(unknown.json.resourceType, 'OperationOutcome');
    t.equal((await service.get('ConceptMap')).status, 404, 'a type without any is no address');
  });

  t.test('are searched by url, id, name, version and status, and by them together', async (t) => {
    const all = await service.get('StructureDefinition');
    t.equal(all.json.total, all.json.entry.length);
    t.equal(
      all.json.link[0].url,
      `${baseUrl}/StructureDefinition`,
      'the self link is of the configured base',
    );
    t.strictSame(new Oracle().faults({ ...all.json, entry: undefined }), []);
    const outcome = encodeURIComponent('https://mycarerecord.example/fhir/CodeSystem/outcome');
    t.strictSame(await ids(`CodeSystem?url=${outcome}`), ['outcome']);
    t.strictSame(await ids('CodeSystem?_id=label,sector'), ['label', 'sector']);
    t.strictSame(await ids('CodeSystem?name=SOCIAL'), [
      'social-care-activity',
      'social-care-flag',
      'social-care-placement',
      'social-care-plan',
    ]);
    t.strictSame(await ids('CodeSystem?name=social&_id=social-care-plan'), ['social-care-plan']);
    t.strictSame(await ids('ValueSet?version=9.9'), []);
    const { version } = all.json.entry[0].resource;
    t.equal((await ids(`StructureDefinition?version=${version}&status=active`)).length, all.json.total);
    const system = encodeURIComponent('http://hl7.org/fhir/publication-status|active');
    t.equal((await ids(`StructureDefinition?status=${system}&_format=json`)).length, all.json.total);
    t.strictSame(await ids('StructureDefinition?status=draft'), []);
    t.strictSame(await ids(`StructureDefinition?status=${encodeURIComponent('urn:x|active')}`), []);
    const asked = await service.get('CodeSystem?name=social&_format=json');
    t.equal(asked.json.link[0].url, `${baseUrl}/CodeSystem?name=social&_format=json`);
  });

  t.test('are searched strictly', async (t) => {
    for (const query of [
      'title=x',
      '_count=1',
      'url:below=x',
      'name=a&name=b',
      '_format=json&_format=json',
      'status=',
    ]) {
      const refused = await service.get(`StructureDefinition?${query}`);
      t.equal(refused.status, 400, query);
      t.equal(refused.json.resourceType, 'OperationOutcome');
    }
    t.equal((await service.get('CodeSystem/outcome?url=x')).status, 400, 'a read takes _format alone');
    t.equal((await service.get('CodeSystem?_format=xml')).status, 406);
    t.equal((await service.get('CodeSystem/outcome', undefined, { accept: 'text/html' })).status, 406);
  });

  t.test('are not written', async (t) => {
    const written = await service.post('CodeSystem', 'name=x');
    t.ok(written.status === 404 || written.status === 405, String(written.status));
  });

  t.test('are what answers declare, and answers are as they say', async (t) => {
    const all = ownDefinitions();
    const codes = new Map<string, readonly { code: string }[]>();
    for (const { url, concept } of all.values()) {
      if (Array.isArray(concept)) codes.set(url, concept);
    }
    const isCode = (url: string, code: string): boolean =>
      codes.get(url)?.some((concept) => concept.code === code) === true;
    const definitions = {
      definition: (url: string) => all.get(url),
      isOf: (set: string, concept: unknown) =>
        (concept as { coding: { code: string }[] }).coding.some(({ code }) =>
          isCode(set.replace('/ValueSet/', '/CodeSystem/'), code),
        ),
    };
    const declared = new Map<string, number>();
    const look = (resource: Json & { meta?: { profile?: string[] } }): void => {
      for (const profile of resource.meta?.profile ?? []) {
        declared.set(profile, (declared.get(profile) ?? 0) + 1);
        if (!profile.startsWith(OWN)) continue;
        t.strictSame(differentialFaults(definitions, profile, resource), [], profile);
      }
      for (const [, type, name] of JSON.stringify(resource).matchAll(
        /"https:\/\/mycarerecord\.example\/fhir\/([A-Za-z]+\/[a-z-]+)"(?:,"code":"([a-z-]+)")?/g,
      )) {
        const url = `https://mycarerecord.example/fhir/${type}`;
        t.ok(all.has(url), `${type} is defined`);
        if (name !== undefined) t.ok(isCode(url, name), `${name} of ${type} is defined`);
      }
    };
    const token = await service.token(GP);
    for (const name of ['showcase', 'opted-out', 'child-agreed']) {
      const number = byNumber(service.person(name).nhsNumber);
      const found = await service.get(`Patient?identifier=${number}`, token);
      const answers = [found];
      const [first] = found.json.entry;
      if (first.search.mode === 'match')
        answers.push(await service.get(`Patient/${first.resource.id}/$everything?_count=1000`, token));
      answers.push(await service.get(`Consent?patient:identifier=${number}`, token));
      for (const { json } of answers) for (const { resource } of json.entry) look(resource);
    }
    for (const profile of ['aggregated-patient', 'social-care-opt-in', 'source-status']) {
      t.ok((declared.get(OWN + profile) ?? 0) > 0, `${profile} is declared`);
    }
    for (const type of ['Patient', 'Consent', 'OperationOutcome', 'Observation', 'CarePlan']) {
      t.ok((declared.get(UK + type) ?? 0) > 0, `UK Core ${type} is declared`);
    }
    const self = await service.token({
      kind: 'patient',
      nhsNumber: service.person('opted-out').nhsNumber ?? '',
    });
    const own = await service.get(
      `Consent?patient:identifier=${byNumber(service.person('opted-out').nhsNumber)}`,
      self,
    );
    for (const { resource } of own.json.entry) look(resource);
    t.ok((declared.get(`${OWN}health-opt-out`) ?? 0) > 0, 'an opt-out is declared to whom it is of');
  });
});
