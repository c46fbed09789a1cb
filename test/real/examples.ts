import { isServed, served } from '../../src/fhir/served.ts';
import { attach, attachAsFarAsGiven } from './attach.ts';
import { isSent, TAKEN_BY_US, verdictOf } from './examples-chosen.ts';
import type { Extract, Fate } from './extract.ts';
import {
  hasRightCheckDigit,
  inventedPatient,
  listOf,
  NHS_NUMBER,
  type NhsNumbers,
  underNumber,
} from './people.ts';
import { type Json, PublishedFiles, readVerdicts, type Verdict } from './shared-data.ts';

/** A published example under an id of its own. */
interface Example {
  readonly verdict: Verdict;
  readonly type: string;
  readonly id: string;
  /** absent: no JSON */
  readonly resource?: Json;
  readonly text: string;
}

type SoundExample = Omit<Example, 'resource'> & { readonly resource: Json };

/**
 * Puts published examples of served types into an extract, each attached to a person of its own. Those that are not
 * base R4 go in as well, among the others: they must be rejected, and lose nothing else.
 *
 * @param chosen which of the files that are sent
 */
export function addExamples(
  data: string,
  extract: Extract,
  numbers: NhsNumbers,
  chosen: (verdict: Verdict) => boolean = () => true,
): void {
  const examples = readExamples(data, chosen);
  const names = new Map<string, string>();
  for (const { verdict, type, id, resource } of examples) {
    const name = `${folderOf(verdict)} ${type}/${String(resource?.['id'])}`;
    if (!names.has(name)) names.set(name, `${type}/${id}`);
  }
  for (const example of examples) {
    if (verdictOf(example.verdict) === 'not base R4') addFaulty(extract, example, numbers);
    else if (example.resource !== undefined) {
      addSound(
        extract,
        { ...example, resource: pointedAt(example.resource, folderOf(example.verdict), names) },
        numbers,
      );
    }
  }
}

function readExamples(data: string, chosen: (verdict: Verdict) => boolean): readonly Example[] {
  const files = new PublishedFiles(data);
  return readVerdicts(data).flatMap((verdict, index): Example[] => {
    if (!isSent(verdict) || !chosen(verdict) || TAKEN_BY_US.has(verdict.file)) return [];
    const text = files.read(verdict.file);
    const id = `example-${index}`;
    if (verdict.base_r4 === 'not-json') return [{ verdict, type: 'Patient', id, text }];
    return [{ verdict, type: verdict.resource_type, id, text, resource: JSON.parse(text) }];
  });
}

function addSound(
  extract: Extract,
  { verdict, type, id, resource }: SoundExample,
  numbers: NhsNumbers,
): void {
  const from = verdict.file;
  const row = { ...resource, id };
  const fate: Fate = isLabelled(row) ? 'withheld' : 'shown';
  const keeping = isServed(type) ? served(type).keeping : 'own';
  if (type === 'AuditEvent') extract.add(row, { from, fate: 'counted' });
  else if (keeping === 'directory') extract.add(row, { from, fate });
  else if (keeping === 'person') {
    const nhsNumber = numbers.next();
    extract.add(underNumber(row, nhsNumber), { from, fate, nhsNumber });
    if (publishedNumbers(resource).every(hasRightCheckDigit)) return;
    extract.add({ ...row, id: `${id}-as-published` }, { from, fate: 'quarantined' });
  } else {
    const { patient, nhsNumber } = addPerson(extract, from, id, numbers);
    if (keeping === 'referenced') {
      extract.add(row, { from, fate });
      extract.add(referrer(type, id, patient), { from: `refers to ${from}`, fate: 'shown', nhsNumber });
    } else {
      extract.add(attach(row, patient), { from, fate: type === 'Consent' ? 'counted' : fate, nhsNumber });
    }
  }
}

function addFaulty(
  extract: Extract,
  { verdict, type, id, resource, text }: Example,
  numbers: NhsNumbers,
): void {
  const row = { from: verdict.file, fate: 'rejected' } as const;
  if (resource === undefined) {
    extract.addLine(type, text.replace(/\s*\n\s*/g, ' '), row);
    return;
  }
  // of some examples the id is what is wrong with them
  const named = /id-bad/.test(verdict.file) ? resource : { ...resource, id };
  if (isServed(type) && served(type).person !== undefined) {
    const { patient, nhsNumber } = addPerson(extract, row.from, id, numbers);
    extract.add(attachAsFarAsGiven(named, patient), { ...row, nhsNumber });
  } else extract.add(named, row);
}

/** @returns the reference to the person that an example is attached to */
function addPerson(
  extract: Extract,
  example: string,
  exampleId: string,
  numbers: NhsNumbers,
): { readonly patient: string; readonly nhsNumber: string } {
  const nhsNumber = numbers.next();
  const id = `patient-of-${exampleId}`;
  extract.add(inventedPatient(id, nhsNumber), { from: `the person of ${example}`, fate: 'shown', nhsNumber });
  return { patient: `Patient/${id}`, nhsNumber };
}

/** Medication and Binary belong to people whose rows refer to them. */
function referrer(type: string, id: string, patient: string): Json {
  const common = { id: `refers-to-${id}`, subject: { reference: patient } };
  if (type === 'Medication') {
    const medicationReference = { reference: `Medication/${id}` };
    return { resourceType: 'MedicationStatement', status: 'active', medicationReference, ...common };
  }
  const content = [{ attachment: { url: `Binary/${id}` } }];
  return { resourceType: 'DocumentReference', status: 'current', content, ...common };
}

/** References among the examples of one publisher, under their new ids. */
function pointedAt(resource: Json, folder: string, names: ReadonlyMap<string, string>): Json {
  const text = JSON.stringify(resource).replaceAll(
    /"(reference|url)":"([A-Z][A-Za-z]+\/[A-Za-z0-9\-.]+)"/g,
    (whole, member: string, literal: string) => {
      const name = names.get(`${folder} ${literal}`);
      return name === undefined ? whole : `"${member}":"${name}"`;
    },
  );
  return JSON.parse(text);
}

function folderOf({ file }: Verdict): string {
  return file.slice(0, file.indexOf('/'));
}

function publishedNumbers(patient: Json): readonly string[] {
  const numbers = listOf(patient['identifier']).filter(({ system }) => system === NHS_NUMBER);
  return numbers.flatMap(({ value }) => (typeof value === 'string' && value !== '' ? [value] : []));
}

/** Whether a resource, or the person it is, is marked as restricted (R) or very restricted (V). */
function isLabelled(resource: Json): boolean {
  const { security } = (resource['meta'] ?? {}) as { security?: unknown };
  return listOf(security).some(
    ({ system, code }) => String(system).endsWith('/v3-Confidentiality') && (code === 'R' || code === 'V'),
  );
}
