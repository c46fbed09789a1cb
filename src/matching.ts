import type { SourcePolicy } from './access/policy.ts';
import type { Occurrence } from './audit/occurrence.ts';
import { candidatesOf, type KnownPerson } from './identity/candidates.ts';
import { doneHere } from './operator-event.ts';
import { MatchingQueue, type WaitingPatient } from './storage/matching-queue.ts';
import type { Service } from './wire.ts';

/** What the matching queue needs of the service. */
export type MatchingService = Pick<Service, 'database' | 'account'> & {
  readonly configuration: Pick<Service['configuration'], 'policy'>;
};

/** Somebody at work who looks or decides, and why. */
export interface MatchingActor {
  readonly by: string;
  /** names nobody: it is kept in the audit log */
  readonly reason: string;
}

/** A patient who waits, with the people it may be. */
export interface Waiting extends WaitingPatient {
  readonly source: string;
  readonly candidates: readonly KnownPerson[];
  /** people it might be, had nobody said that it is not: who erred may think better of it */
  readonly ruledOut: readonly string[];
}

/**
 * The patients who wait to be matched, of one source or of all. Names and birth dates are for the caller to keep to
 * itself unless {@link accountShown} has told the audit log.
 *
 * @throws Error where there is no such source
 */
export async function matchingQueue(service: MatchingService, code?: string): Promise<readonly Waiting[]> {
  const { sources } = service.configuration.policy;
  const queue = new MatchingQueue(service.database);
  const found: Waiting[] = [];
  for (const source of code === undefined ? sources.values() : [sourceOf(service, code)]) {
    found.push(...(await waitingOf(queue, source)));
  }
  return found;
}

/** Writes down that somebody sees the demographics of those who wait and of their candidates: an event a person. */
export async function accountShown(
  service: MatchingService,
  shown: readonly Waiting[],
  actor: MatchingActor,
): Promise<void> {
  const people = shown.flatMap(({ candidates }) => candidates.map(({ personId }) => personId));
  const event = { what: 'match', description: 'Matching queue shown with demographics' } as const;
  await service.account(occurrence(service, actor, event));
  for (const personId of new Set(people)) {
    await service.account({ ...occurrence(service, actor, event), personId });
  }
}

/**
 * Decides that a waiting patient is, or is not, a person. Never made by a program. A confirmation takes effect with the
 * source's next extract; the rejection of a match that was taken over hides what was matched at once.
 *
 * @throws Error where nobody of the id waits, or the person is no candidate
 */
export async function decideMatch(
  service: MatchingService,
  verb: 'confirm' | 'reject',
  asked: { readonly source: string; readonly localId: string; readonly personId: string },
  actor: MatchingActor,
): Promise<void> {
  const { localId, personId } = asked;
  const source = sourceOf(service, asked.source);
  const queue = new MatchingQueue(service.database);
  const confirmed = await queue.confirmed(source.number, localId);
  const [waiting] = await waitingOf(queue, source, localId);
  const candidates = [
    ...(waiting?.candidates ?? []).map((each) => each.personId),
    ...(waiting?.ruledOut ?? []),
  ];
  const isCandidate = candidates.includes(personId);
  if (verb === 'confirm' && confirmed !== undefined) {
    throw new Error('The patient has been matched: reject that match first.');
  }
  if (!isCandidate && !(verb === 'reject' && confirmed === personId)) {
    throw new Error(
      waiting === undefined
        ? 'Nobody of this id waits to be matched. "mcr matching" lists those who do.'
        : 'The person is no candidate: another birth date, or no name in common.',
    );
  }
  const event = {
    what: 'configuration',
    description: verb === 'confirm' ? 'Match of a waiting patient confirmed' : 'Match rejected',
  } as const;
  const account = (): Promise<void> =>
    service.account({
      ...occurrence(service, actor, event, { source: source.code, localId }),
      personId,
    });
  await queue[verb]({ source: source.number, localId, personId, ...actor, at: Date.now() }, account);
}

async function waitingOf(
  queue: MatchingQueue,
  source: SourcePolicy,
  localId?: string,
): Promise<readonly Waiting[]> {
  const waiting = await queue.waiting(source.number, localId);
  const birthDates = waiting.flatMap(({ names }) => names.map((name) => name.birthDate));
  const known = birthDates.length === 0 ? [] : await queue.known(source.number, [...new Set(birthDates)]);
  return waiting.map((patient) => {
    const all = candidatesOf(patient.names, known);
    const ids = all.filter((id) => !patient.rejected.includes(id));
    return {
      ...patient,
      source: source.code,
      ruledOut: all.filter((id) => patient.rejected.includes(id)),
      candidates: known.filter(({ personId }) => ids.includes(personId)),
    };
  });
}

function sourceOf(service: MatchingService, code: string): SourcePolicy {
  const source = service.configuration.policy.sources.get(code);
  if (source === undefined) throw new Error(`There is no source ${code} in the configuration.`);
  return source;
}

function occurrence(
  service: MatchingService,
  { by, reason }: MatchingActor,
  event: Pick<Occurrence, 'what' | 'description'>,
  details: Readonly<Record<string, string>> = {},
): Occurrence {
  return doneHere({
    policyVersion: service.configuration.policy.version,
    ...event,
    details: { ...details, by, reason },
  });
}
