import type { PersonReference } from '../access/ask.ts';
import { Problem } from '../fhir/problem.ts';
import { fold } from '../identity/demographics.ts';
import { type Exceeded, WINDOW } from './people-asked.ts';
import type { DisclosePorts } from './ports.ts';
import type { DisclosureRequest } from './request.ts';

/** What the answer to a sweep says: nothing of anybody. */
const TOO_MANY =
  'More people have been asked for within an hour than is allowed. Wait, or ask your information governance lead.';

/**
 * Counts whoever a request is about against the limits of people asked for (attack catalogue O-09, D-04), before
 * anything is said of them.
 *
 * Counted is the person only where something of theirs is shown; otherwise the name that was asked by. So who is hidden
 * counts exactly like who does not exist, and where a limit stands tells nothing of anybody. Directories, and audit
 * events of nobody in particular, are not counted.
 *
 * @param shown the person of whom something will be shown
 * @returns what goes with the event where the person was counted anew
 * @throws Problem `throttled`, reported the first time in an hour; `unavailable` where that cannot be
 */
export async function countPerson(
  ports: DisclosePorts,
  request: DisclosureRequest,
  shown?: string,
): Promise<string | undefined> {
  const asked = shown ?? nameAsked(request.ask.person, ports.hashOfName);
  if (asked === undefined) return undefined;
  const counted = ports.people.count(request.caller, asked, ports.now());
  if (counted.outcome === 'counted') return counted.fresh ? asked : undefined;
  if (counted.first) await report(ports, request, counted);
  const { retryAfter } = counted;
  throw new Problem('throttled', TOO_MANY, { reason: 'too-many-people', retryAfter });
}

/** A person's id stands for itself; whatever else may name somebody is hashed with a key. */
function nameAsked(person: PersonReference, hashOfName: (name: string) => string): string | undefined {
  switch (person.by) {
    case 'none':
      return undefined;
    case 'person-id':
      return person.id;
    case 'nhs-number':
      return hashOfName(`nhs-number ${person.nhsNumber}`);
    case 'resource':
      return hashOfName(`resource ${person.id}`);
    case 'demographics': {
      const { family, given, birthDate } = person;
      return hashOfName(JSON.stringify([fold(family), given === undefined ? null : fold(given), birthDate]));
    }
  }
}

/** An event of its own, which officers find by its subtype, and a line in the log that names the event alone. */
async function report(ports: DisclosePorts, request: DisclosureRequest, exceeded: Exceeded): Promise<void> {
  const { caller, requestId, clientAddress } = request;
  const { by, limit } = exceeded;
  const id = ports.randomUUID();
  const details = { 'people-asked-for-by': by, limit: String(limit), minutes: String(WINDOW / 60_000) };
  const outcome = { code: '4', reason: 'too-many-people' } as const;
  try {
    const occurrence = {
      id,
      at: ports.now(),
      requestId,
      what: 'sweep',
      caller,
      clientAddress,
      outcome,
      details,
    } as const;
    await ports.journal.append({ occurrence, released: [], publication: 0 });
  } catch (error) {
    ports.people.notReported(caller, by);
    throw error;
  }
  ports.sweptBy(by, id);
}
