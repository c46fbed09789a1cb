import { isServed, served } from '../../src/fhir/served.ts';
import { listOf, NHS_NUMBER } from './people.ts';
import type { Json } from './shared-data.ts';

/**
 * Makes a resource somebody's: points the element that names the person at `patient`, and leaves all else as it was
 * published.
 *
 * @param patient `Patient/id`
 */
export function attach(resource: Json, patient: string): Json {
  const type = String(resource['resourceType']);
  const element = isServed(type) ? served(type).person : undefined;
  if (element === undefined) return resource;
  if (element === 'target') return { ...resource, target: aimed(listOf(resource['target']), patient) };
  if (element !== 'participant.actor') return { ...resource, [element]: pointed(resource[element], patient) };
  const participant = listOf(resource['participant']);
  const pointedAt = participant.map((each) =>
    isPatient(each['actor']) ? { ...each, actor: pointed(each['actor'], patient) } : each,
  );
  const isThere = participant.some((each) => isPatient(each['actor']));
  const added = isThere ? [] : [{ actor: { reference: patient }, status: 'accepted' }];
  return { ...resource, participant: [...pointedAt, ...added] };
}

/** As `attach`, of a faulty resource: what it lacks, or has in a wrong shape, it keeps so. */
export function attachAsFarAsGiven(resource: Json, patient: string): Json {
  const type = String(resource['resourceType']);
  const element = isServed(type) ? served(type).person : undefined;
  const names = element !== undefined && isObject(resource[element]);
  return names ? { ...resource, [element]: pointed(resource[element], patient) } : resource;
}

function aimed(targets: readonly Json[], patient: string): readonly Json[] {
  const [first, ...rest] = targets;
  return [pointed(first, patient), ...rest];
}

function pointed(reference: unknown, patient: string): Json {
  return { ...(isObject(reference) ? reference : {}), reference: patient };
}

function isPatient(reference: unknown): boolean {
  if (!isObject(reference)) return false;
  const { reference: literal, identifier } = reference;
  if (typeof literal === 'string') return literal.startsWith('Patient/');
  return isObject(identifier) && identifier['system'] === NHS_NUMBER;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
