import type { Grant } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import type { StoredEvent } from '../audit/reader.ts';
import { Problem } from '../fhir/problem.ts';
import { auditEventFor, seesEveryOrganisation, viewOf } from './audit-view.ts';
import type { DisclosePorts, Row } from './ports.ts';

/** An event that may be shown. */
export interface VisibleEvent {
  readonly event: StoredEvent;
  readonly row: Row;
  /** as the caller may read it */
  readonly text: string;
}

/** What is known of the person of an event beside their id. */
export interface AboutPerson {
  /** keyed HMACs of their NHS numbers */
  readonly numbers?: readonly string[];
  /** whether they are a patient of the officer's organisation */
  readonly isPatient?: boolean;
}

/** An event as a row to be decided on. */
export function rowOfEvent(event: StoredEvent, { numbers, isPatient }: AboutPerson = {}): Row {
  return {
    id: event.id,
    personId: event.personId ?? '',
    version: 0,
    source: '',
    type: 'AuditEvent',
    categories: [],
    labels: [],
    codes: [],
    ...(event.organisation === undefined ? {} : { organisation: event.organisation }),
    ...(numbers === undefined ? {} : { numbers }),
    ...(isPatient === undefined ? {} : { isPatient }),
  };
}

/**
 * Events as rows, decided on like any other: whose they are about is compared with the officer's own numbers, and with
 * the patients of the officer's organisation.
 */
export async function visible(
  ports: DisclosePorts,
  facts: Facts,
  grant: Grant,
  events: readonly StoredEvent[],
): Promise<readonly VisibleEvent[]> {
  const people = [...new Set(events.flatMap((event) => event.personId ?? []))];
  const [numbers, patients] = await Promise.all([
    people.length === 0 ? new Map<string, readonly string[]>() : ports.store.numbersOf(people),
    patientsAmong(ports, facts, grant, events),
  ]);
  return events.flatMap((event): VisibleEvent[] => {
    const { personId, organisation } = event;
    const own = personId === undefined ? undefined : numbers.get(personId);
    const about = {
      ...(own === undefined ? {} : { numbers: own }),
      ...(personId !== undefined && patients.has(personId) ? { isPatient: true } : {}),
    };
    const row = rowOfEvent(event, about);
    if (!grant.permits(row)) return [];
    const named =
      organisation !== undefined && facts.policy.organisations.get(organisation)?.namesStaff === true;
    return [
      { event, row, text: auditEventFor(viewOf(grant.caller, facts, organisation), named, event.body) },
    ];
  });
}

/** Of the people whom somebody elsewhere looked at, those who are patients of the officer's organisation. */
async function patientsAmong(
  ports: DisclosePorts,
  facts: Facts,
  { caller }: Grant,
  events: readonly StoredEvent[],
): Promise<ReadonlySet<string>> {
  if (caller.kind !== 'governance' || seesEveryOrganisation(caller, facts)) return new Set();
  const elsewhere = events.filter(({ organisation }) => organisation !== caller.organisation);
  const people = [...new Set(elsewhere.flatMap(({ personId }) => personId ?? []))];
  return people.length === 0 ? new Set() : ports.store.patientsAmong(caller.organisation, people);
}

export async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new Problem(
      'unavailable',
      'The audit log cannot be read just now. Try again shortly.',
      { retryAfter: 5 },
      error,
    );
  }
}
