import { setTimeout as after } from 'node:timers/promises';
import type { Configuration } from './config.ts';
import { loadExtract } from './load.ts';
import { Inbox, type InboxEvent } from './loads/inbox/inbox.ts';
import { claimInbox } from './storage/inbox-claim.ts';
import type { Service } from './wire.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** The inbox of one source, over the real loader and the real clock. @throws Error where none is configured */
export function inboxOf(
  service: Pick<Service, 'configuration' | 'database' | 'account'>,
  source: string,
  say: (event: InboxEvent) => void,
  now: () => number = Date.now,
): Inbox {
  const { configuration, database } = service;
  const { folder, quietSeconds, patienceMinutes, keepDays } = settings(configuration);
  return new Inbox({
    root: folder,
    sources: [source],
    quiet: quietSeconds * SECOND,
    patience: patienceMinutes * MINUTE,
    keep: keepDays * DAY,
    load: (code, extract) => loadExtract(service, code, extract),
    claim: async (code) => {
      const known = configuration.policy.sources.get(code);
      return known === undefined ? undefined : claimInbox(database, known.number);
    },
    say,
    now,
  });
}

/**
 * Watches the inboxes of all sources, each at its own pace, until told to stop: a load that runs is ended first.
 *
 * @throws Error where no inbox is configured
 */
export async function watchInboxes(
  service: Pick<Service, 'configuration' | 'database' | 'account'>,
  say: (event: InboxEvent) => void,
  stop: AbortSignal,
): Promise<void> {
  const { everySeconds } = settings(service.configuration);
  const sources = [...service.configuration.policy.sources.keys()];
  await Promise.all(
    sources.map(async (source) => {
      const inbox = inboxOf(service, source, say);
      while (!stop.aborted) {
        await inbox.round();
        await after(everySeconds * SECOND, undefined, { signal: stop }).catch(() => {});
      }
    }),
  );
}

function settings({ loads }: Configuration): NonNullable<Configuration['loads']['inbox']> {
  if (loads.inbox === undefined) {
    throw new Error('There is no inbox: name its folder as loads.inbox.folder in the configuration.');
  }
  return loads.inbox;
}
