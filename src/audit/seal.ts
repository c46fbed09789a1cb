import { hash } from 'node:crypto';

import type { SealedEvent } from './batch.ts';
import type { ServiceIdentity } from './event.ts';
import { canonicalEvent } from './event.ts';
import { encodeManifest } from './manifest.ts';
import { leafInput } from './merkle.ts';
import type { Occurrence } from './occurrence.ts';
import type { AuditEntry } from './ports.ts';
import { fitText } from './text.ts';
import { purposeOf, userIdOf } from './users.ts';
import { uuidBytes } from './uuid.ts';

/**
 * An entry as it will be stored: canonical body and manifest, hashed together with the salt (16 random bytes, never
 * used twice).
 *
 * @throws RangeError when an id is not a UUID, or a version or the publication is not a count
 */
export function seal(
  entry: AuditEntry,
  service: ServiceIdentity,
  recorded: number,
  salt: Buffer,
): SealedEvent {
  const { occurrence } = entry;
  const { caller } = occurrence;
  // a batch fails as one, so nothing that the database would refuse may get into it
  uuidBytes(occurrence.id);
  if (entry.asked !== undefined) uuidBytes(entry.asked);
  if (occurrence.personId !== undefined) uuidBytes(occurrence.personId);
  const manifest = encodeManifest(entry, salt);
  const { bytes, body } = leafInput(salt, canonicalEvent(occurrence, service, recorded), manifest);
  const agent = userIdOf(caller);
  const purpose = purposeOf(caller);
  return {
    eventId: occurrence.id,
    recorded,
    kind: occurrence.what,
    outcome: Number(occurrence.outcome.code),
    requestId: fitText(occurrence.requestId),
    ...(caller === undefined ? {} : { client: fitText(caller.client) }),
    ...(agent === undefined ? {} : { agent }),
    ...namedIn(occurrence),
    ...(purpose === undefined ? {} : { purpose }),
    ...(entry.asked === undefined ? {} : { asked: entry.asked }),
    body,
    salt,
    leaf: hash('sha256', bytes, 'buffer'),
    manifest,
  };
}

/** A token's making names neither a person nor an organisation: its pattern has no room for them. */
function namedIn({ caller, personId, what }: Occurrence): Pick<SealedEvent, 'personId' | 'organisation'> {
  if (what === 'token-issue') return {};
  return {
    ...(personId === undefined ? {} : { personId }),
    ...(caller === undefined || caller.kind === 'patient'
      ? {}
      : { organisation: fitText(caller.organisation) }),
  };
}
