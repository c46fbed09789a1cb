import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import t from 'tap';
import { registeredRoutes } from '../../src/http/route-policy.ts';
import { Oracle } from '../real/oracle.ts';
import { repositoryRoot } from '../support/root.ts';
import { testService } from '../support/service.ts';

/** What the service says of itself is what it does: OpenAPI, the CapabilityStatement and the routes are one. */

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
}

t.setTimeout(120_000);
t.test('what the service says of itself', async (t) => {
  const service = await testService(t, { people: 5 });
  const routes = registeredRoutes(service.service.app);
  const document = JSON.parse((await service.get('/docs/json')).text) as Described;

  t.test('the OpenAPI document is valid, and the file in openapi/ is the same', async (t) => {
    const result = await new Validator().validate(JSON.parse(JSON.stringify(document)));
    t.ok(result.valid, JSON.stringify(result.errors)?.slice(0, 500));
    const file = JSON.parse(readFileSync(join(repositoryRoot(), 'openapi', 'my-care-record.json'), 'utf8'));
    t.strictSame(document, file, 'npm run openapi writes it');
    const ids = Object.values(document.paths).flatMap((path) =>
      Object.values(path).flatMap(({ operationId }) => operationId ?? []),
    );
    t.equal(new Set(ids).size, ids.length, 'every operation has a name of its own');
  });

  t.test('it has every route, and no other', async (t) => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => method !== 'parameters')
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
    const live = routes
      .filter(
        ({ method, url, policy }) =>
          method !== 'HEAD' && policy !== 'refused' && policy !== 'preflight' && !url.startsWith('/docs'),
      )
      .map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`);
    t.strictSame([...new Set(described)].sort(), [...new Set(live)].sort());
  });

  t.test('the CapabilityStatement has every interaction, and no other', async (t) => {
    const { json: statement } = await service.get('metadata');
    t.strictSame(new Oracle().faults(statement), []);
    const [rest] = statement.rest;
    const stated = rest.resource.flatMap(
      (resource: { type: string; interaction: { code: string }[]; operation?: { name: string }[] }) => [
        ...resource.interaction.map(({ code }) => `${resource.type} ${code}`),
        ...(resource.operation ?? []).map(({ name }) => `${resource.type} $${name}`),
      ],
    );
    const live = routes
      .filter(
        ({ method, policy }) => method !== 'HEAD' && ['disclosed', 'computed', 'public'].includes(policy),
      )
      .flatMap(({ url }) => {
        const [, type, rest = ''] = /^\/fhir\/([A-Z][A-Za-z]+)(\/.*)?$/.exec(url) ?? [];
        if (type === undefined) return [];
        const operation = /\$([\w-]+)$/.exec(rest)?.[1];
        if (operation !== undefined) return [`${type} $${operation}`];
        const code = {
          '': 'search-type',
          '/_search': 'search-type',
          '/:id': 'read',
          '/:id/_history': 'history-instance',
          '/:id/_history/:version': 'vread',
        }[rest];
        return [`${type} ${code}`];
      });
    t.strictSame([...new Set(stated)].sort(), [...new Set(live)].sort());
    t.strictSame(
      rest.interaction.map(({ code }: { code: string }) => code),
      ['batch'],
    );
  });

  t.test(
    'every parameter, include and modifier that it states is taken, and what it does not state is not',
    async (t) => {
      const token = await service.token({
        kind: 'staff',
        organisation: 'K82001',
        role: 'general-practitioner',
        reason: 'Clinic',
      });
      const { json: statement } = await service.get('metadata');
      let tried = 0;
      for (const resource of statement.rest[0].resource) {
        const { type, searchParam = [], searchInclude = [], searchRevInclude = [] } = resource;
        if (
          searchParam.length === 0 ||
          !(
            resource.type in VALUES ||
            routes.some(({ url, policy }) => url === `/fhir/${type}` && policy === 'disclosed')
          )
        )
          continue;
        const whose = ['Organization', 'Practitioner', 'PractitionerRole', 'Location'].includes(type)
          ? ''
          : type === 'Patient'
            ? '_id=00000000-0000-4000-8000-000000000000&'
            : 'patient=00000000-0000-4000-8000-000000000000&';
        if (type === 'AuditEvent') continue;
        for (const { name, type: kind, documentation = '' } of searchParam) {
          if (['patient', 'subject', '_id'].includes(name) || (type === 'Patient' && name === 'identifier'))
            continue;
          const value = VALUES[kind as keyof typeof VALUES] ?? (kind === 'composite' ? undefined : 'x');
          if (value === undefined) continue;
          tried += 1;
          const answer = await service.get(
            `${type}?${whose}${name}=${encodeURIComponent(value)}&_summary=count`,
            token,
          );
          t.equal(answer.status, 200, `${type} ${name}=${value}`);
          for (const modifier of documentation.match(/:[a-z-]+/g) ?? []) {
            const asked =
              modifier === ':missing'
                ? 'true'
                : modifier === ':of-type'
                  ? 'a|b|c'
                  : modifier === ':identifier'
                    ? 'a|b'
                    : value;
            const modified = await service.get(
              `${type}?${whose}${name}${modifier}=${encodeURIComponent(asked)}&_count=1`,
              token,
            );
            t.equal(modified.status, 200, `${type} ${name}${modifier}`);
          }
        }
        for (const include of searchInclude) {
          t.equal(
            (await service.get(`${type}?${whose}_include=${include}&_count=1`, token)).status,
            200,
            `_include=${include}`,
          );
        }
        for (const include of searchRevInclude) {
          t.equal(
            (await service.get(`${type}?${whose}_revinclude=${include}&_count=1`, token)).status,
            200,
            `_revinclude=${include}`,
          );
        }
        for (const stranger of [
          'phonetic',
          'near',
          '_text',
          '_content',
          '_filter',
          '_query',
          '_contained',
          'secret',
        ]) {
          t.equal(
            (await service.get(`${type}?${whose}${stranger}=x`, token)).status,
            400,
            `${type} ${stranger}`,
          );
        }
      }
      t.ok(tried > 300, `${tried} parameters`);
    },
  );

  t.test('/docs is a page that shows it, without a word from elsewhere', async (t) => {
    const page = await service.get('/docs/');
    t.equal(page.status, 200);
    t.match(String(page.headers['content-type']), /text\/html/);
    t.notMatch(page.text, /https?:\/\/(?!127\.0\.0\.1)/);
    t.match(String(page.headers['content-security-policy']), /default-src 'self'/);
  });
});

const VALUES = {
  token: 'a|b',
  string: 'x',
  date: 'ge2020-01-01',
  quantity: 'gt5',
  number: '5',
  reference: '00000000-0000-4000-8000-000000000000',
  uri: 'http://example.org/x',
} as const;
