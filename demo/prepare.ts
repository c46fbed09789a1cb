import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { keysFolder } from '../src/demonstration.ts';
import { londonDay } from '../src/fhir/london.ts';
import { loadExtract, loadStaff } from '../src/load.ts';
import { accountToken } from '../src/token-issue.ts';
import type { Service } from '../src/wire.ts';
import { generateCounty } from './county/generate.ts';
import { SOURCES } from './county/model.ts';
import { DEMO_LIFETIME, demoToken, makeIssuerKeys } from './issuer.ts';

/** People of the demonstration: enough for every hard case, few enough to start in seconds. */
const PEOPLE = 600;
const SEED = 20_261_123;

interface Case {
  readonly name: string;
  readonly nhsNumber: string | null;
  readonly what: string;
}

/**
 * Makes the demonstration whole: the issuer's keys, today's synthetic extracts, loaded by the real loader.
 *
 * @returns lines that say what to try
 */
export async function prepare(service: Service, say: (sentence: string) => void): Promise<readonly string[]> {
  const { configuration } = service;
  const keys = keysFolder(configuration);
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  await makeIssuerKeys(keys);
  const today = londonDay(Date.now());
  const folder = join(configuration.dataFolder, 'demo-extracts', today);
  if (!existsSync(join(folder, 'cases.json'))) {
    rmSync(join(configuration.dataFolder, 'demo-extracts'), { recursive: true, force: true });
    say(`Generating a synthetic Buckinghamshire of ${PEOPLE} people …`);
    const sequence = Math.floor(Date.parse(today) / 86_400_000);
    await generateCounty(folder, { seed: SEED, people: PEOPLE, businessDate: today, sequence });
  }
  say('Loading the partners’ nightly extracts …');
  await loadStaff(service, join(folder, 'staff.csv'));
  for (const { code } of SOURCES) await loadExtract(service, code, join(folder, code));
  const cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as { cases: readonly Case[] };
  return guide(service, keys, cases.cases);
}

async function guide(service: Service, keys: string, cases: readonly Case[]): Promise<readonly string[]> {
  const { fhirBase } = service.configuration;
  const showcase = cases.find((one) => one.name === 'showcase') ?? cases[0];
  const worker = {
    kind: 'staff',
    organisation: 'bucks-council',
    role: 'social-worker',
    user: 'sw-asha',
  } as const;
  const token = await demoToken(keys, fhirBase, {
    ...worker,
    name: 'Asha Example',
    reason: 'Visit to the family today',
  });
  await accountToken(service, token, { request: 'npm start', seconds: DEMO_LIFETIME });
  const id = await personId(service, token, showcase?.nhsNumber ?? '');
  return [
    '',
    'All people are invented. A child whom six partners know, as her social worker sees her:',
    '',
    `  curl -s -H 'Authorization: Bearer ${token}' '${fhirBase}/Patient/${id}/$everything'`,
    '',
    `The token lives an hour; another: npx mcr token --organisation bucks-council --role social-worker (--help tells more).`,
    `What the service can do: ${fhirBase}/metadata, or to read: ${new URL('/docs/', fhirBase).href}. Ctrl-C stops.`,
  ];
}

/** Asked as anybody else would: with a token, over HTTP, through disclosure, audited. */
async function personId(service: Service, token: string, nhsNumber: string): Promise<string> {
  const answer = await service.app.inject({
    url: `/fhir/Patient?identifier=https://fhir.nhs.uk/Id/nhs-number%7C${nhsNumber}`,
    headers: { authorization: `Bearer ${token}` },
  });
  const bundle = answer.json<{ entry?: { resource?: { id?: string } }[] }>();
  return bundle.entry?.[0]?.resource?.id ?? 'ID';
}
