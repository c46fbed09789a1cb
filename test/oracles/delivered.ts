import type pg from 'pg';
import { eventsOf, type Found, given, unaccounted } from '../support/planted.ts';
import type { TestAnswer } from '../support/service.ts';

/*
 * G-2, disclosed within audited: every resource and version that a delivered body holds is named by a committed event of
 * its request, and so is every person it is about. Bodies are read here without the service's own code.
 */

/** Elements that say whose a resource is. */
const ABOUT = ['subject', 'patient', 'beneficiary', 'for'] as const;

function peopleOf(resource: Found): readonly string[] {
  return ABOUT.flatMap((element) => {
    const reference = (resource[element] as { readonly reference?: unknown } | undefined)?.reference;
    return typeof reference === 'string' && reference.startsWith('Patient/') ? [reference.slice(8)] : [];
  });
}

/** @returns what was given out and is in no account; empty is right */
export async function undisclosed(client: pg.Client, answer: TestAnswer): Promise<readonly string[]> {
  const missing = await unaccounted(client, answer);
  const people = new Set(given(answer).flatMap(peopleOf));
  if (people.size === 0) return missing;
  const events = await eventsOf(client, String(answer.headers['x-request-id']));
  const named = new Set(events.map(({ person }) => person));
  return [...missing, ...[...people].filter((id) => !named.has(id)).map((id) => `the person ${id}`)];
}
