import { isIP } from 'node:net';
import { issuerFaults } from './access/issuer-faults.ts';
import type { Days, SourcePolicy } from './access/policy.ts';
import type { ConfigurationFile, Environment } from './config.ts';
import { removableElement } from './fhir/elements.ts';
import { isCalendarDay } from './fhir/primitives.ts';
import { isServed } from './fhir/served.ts';

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** As in `demo/issuer.ts`, which an installation for real people does not have: its keys are anybody's. */
const DEMO_ISSUER = 'https://demo.mycarerecord.example/issuer';

/** What the schema cannot say: codes that nobody has, days that no calendar has, entries that are there twice. */
export function consistencyFaults(file: ConfigurationFile): readonly string[] {
  const organisations = new Set(file.organisations.map((organisation) => organisation.code));
  return [
    ...repeated(file.organisations.map((o) => o.code)).map(
      (code) => `/organisations: the code ${code} is there twice`,
    ),
    ...repeated(file.sources.map((s) => s.code)).map((code) => `/sources: the code ${code} is there twice`),
    ...repeated(file.sources.map((s) => s.number)).map(
      (number) => `/sources: the number ${number} is there twice`,
    ),
    ...file.organisations.flatMap(({ agreements }, index) =>
      agreements.flatMap((days, at) => daysFaults(days, `/organisations/${index}/agreements/${at}`)),
    ),
    ...file.sources.flatMap((source, index) => sourceFaults(source, `/sources/${index}`, organisations)),
    ...(file.tlsProxy ?? []).flatMap((range, index) =>
      isRange(range) ? [] : [`/tlsProxy/${index}: ${range} is neither an IP address nor a CIDR range`],
    ),
    ...(file.cors ?? []).flatMap((origin, index) =>
      isOrigin(origin, file.mode)
        ? []
        : [
            `/cors/${index}: ${origin} is not an origin: https://host, or http on this machine in a demonstration`,
          ],
    ),
    ...repeated(file.cors ?? []).map((origin) => `/cors: ${origin} is there twice`),
    ...repeated(file.issuers.map((i) => i.issuer)).map((issuer) => `/issuers: ${issuer} is there twice`),
    ...file.issuers.flatMap((issuer, index) =>
      issuerFaults(issuer).map((fault) => `/issuers/${index}${fault}`),
    ),
  ];
}

function sourceFaults(source: SourcePolicy, path: string, organisations: ReadonlySet<string>): string[] {
  const faults: string[] = [];
  if (!organisations.has(source.organisation)) {
    faults.push(`${path}/organisation: no organisation has the code ${source.organisation}`);
  }
  if (source.expectedOn !== undefined && source.expectedBy === undefined) {
    faults.push(`${path}/expectedOn: needs expectedBy, the time by which the extract is there on these days`);
  }
  for (const [type, shared] of Object.entries(source.shares)) {
    if (shared.days !== undefined) faults.push(...daysFaults(shared.days, `${path}/shares/${type}/days`));
    if (!isServed(type)) {
      faults.push(`${path}/shares: ${type} is not a type that this service serves`);
      continue;
    }
    for (const element of shared.exceptElements ?? []) {
      if (!removableElement(type, element)) {
        faults.push(`${path}/shares/${type}/exceptElements: ${element} cannot be left out of a ${type}`);
      }
    }
  }
  return faults;
}

function daysFaults({ from, to }: Days, path: string): string[] {
  const faults = Object.entries(to === undefined ? { from } : { from, to })
    .filter(([, day]) => !isDay(day))
    .map(([member, day]) => `${path}/${member}: ${day} is not a calendar day`);
  if (to !== undefined && to < from) faults.push(`${path}: ends (${to}) before it begins (${from})`);
  return faults;
}

function isDay(day: string): boolean {
  const [year, month, dayOfMonth] = day.split('-').map(Number);
  return isCalendarDay(year ?? 0, month ?? 0, dayOfMonth ?? 0);
}

/** An IP address, or a range that is not the whole world: who is believed about addresses is named. */
function isRange(range: string): boolean {
  const [address = '', bits, ...more] = range.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

/** An origin as a browser writes it, compared whole: no path, no wildcard, no default port, nothing to match by parts. */
function isOrigin(origin: string, mode: ConfigurationFile['mode']): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, hostname, origin: written } = new URL(origin);
  if (written !== origin || hostname.includes('*')) return false;
  if (protocol === 'https:') return true;
  return mode === 'demo' && protocol === 'http:' && LOOPBACK.has(hostname);
}

function repeated<T>(values: readonly T[]): T[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}

/** What production refuses: anything that is only safe where the data is made up. */
export function productionFaults(file: ConfigurationFile, env: Environment): readonly string[] {
  if (file.mode !== 'production') return [];
  const faults: string[] = [];
  const database = file.database ?? {};
  if ((env.MCR_DATABASE_URL ?? database.url) === undefined) {
    faults.push('/database/url: production needs a database server; the embedded one is for demonstrations');
  }
  for (const login of ['journalUrl', 'auditorUrl', 'ownerUrl'] as const) {
    if (database[login] === undefined) {
      faults.push(
        `/database/${login}: production needs a login of its own here, so that none can change audit rows`,
      );
    }
  }
  if (file.secrets === undefined) faults.push('/secrets: production needs a file for each secret');
  if (file.audit?.checkpointKey === undefined || file.audit.keys === undefined) {
    faults.push('/audit: production needs checkpointKey and keys, so that the audit log can be sealed');
  }
  if ((file.audit?.witnesses ?? []).length === 0) {
    faults.push('/audit/witnesses: production needs a file or folder elsewhere that keeps checkpoints');
  }
  if (file.fhirBase === undefined) faults.push('/fhirBase: production needs the public base of the API');
  else if (!file.fhirBase.startsWith('https://')) faults.push('/fhirBase: production needs https');
  if (file.tlsProxy === undefined || file.tlsProxy.length === 0) {
    faults.push('/tlsProxy: production needs the addresses of the proxies in front, where TLS ends');
  }
  for (const issuer of file.issuers) {
    if (issuer.issuer === DEMO_ISSUER)
      faults.push(`/issuers: ${issuer.issuer} is the demonstration's issuer`);
  }
  return faults;
}
