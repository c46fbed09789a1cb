import { lateSince } from './access/arrival.ts';
import type { Policy } from './access/policy.ts';
import type { LoadSight, ProgressSight, SourceSight } from './http/loads-page.ts';
import { rejectedCount } from './loads/certificate-page.ts';
import type { LoadEntry } from './loads/history.ts';
import type { NotedProgress } from './storage/load-overview.ts';

/** What operators see of sources and their loads: names, times and counts, nothing about a person. */

/** Newest loads that are shown of each source. */
const RECENT = 5;
/** A rate is of use once the phase has run for so many milliseconds. */
const SETTLED = 1_000;

/** @param now milliseconds since the epoch */
export function sightOf(
  policy: Policy,
  loads: readonly LoadEntry[],
  progress: ReadonlyMap<string, NotedProgress>,
  now: number,
): readonly SourceSight[] {
  return [...policy.sources.values()].map((source) => {
    const own = loads.filter((load) => load.source === source.code);
    const [last] = own;
    const running = own.find(({ state }) => state === 'running');
    const published = own.find(({ state }) => state === 'published');
    const publishedAt = Date.parse(published?.finishedAt ?? '');
    const arrived = published && { businessDate: published.businessDate, publishedAt };
    const late = lateSince(source, arrived, now);
    const noted = progress.get(source.code);
    return {
      source: source.code,
      name: source.name,
      ...(published && {
        published: seen(published),
        ageSeconds: Math.max(0, Math.round((now - publishedAt) / 1000)),
      }),
      ...(late !== undefined && { lateSince: new Date(late).toISOString() }),
      stale: published === undefined || now - publishedAt > source.staleAfterHours * 3_600_000,
      held: own.filter(({ state }) => state === 'held').length,
      waiting: own.filter(({ state }) => state === 'held').map(waiting),
      // what an earlier load noted is not this one's
      ...(running && {
        running: {
          ...seen(running),
          ...(noted !== undefined && noted.updatedAt >= running.startedAt && { progress: paced(noted) }),
        },
      }),
      ...(last && { last: seen(last) }),
      recent: own.slice(0, RECENT).map(seen),
    };
  });
}

/** The guards by what they judge; which practice it was is for the desk. */
function waiting(entry: LoadEntry): SourceSight['waiting'][number] {
  const exceeded = (entry.certificate?.guards ?? []).filter(({ outcome }) => outcome === 'exceeded');
  const named = exceeded.map(({ guard, scope, name }) =>
    scope === 'type' && name !== undefined ? `${guard} type ${name}` : `${guard} ${scope}`,
  );
  return { ...seen(entry), guards: [...new Set(named)] };
}

function paced({ phaseBegan, ...noted }: NotedProgress): ProgressSight {
  const elapsed = Date.parse(noted.updatedAt) - Date.parse(phaseBegan);
  if (elapsed < SETTLED || noted.done <= 0) return noted;
  const perSecond = noted.done / (elapsed / 1000);
  const left = noted.total > noted.done && { secondsLeft: Math.ceil((noted.total - noted.done) / perSecond) };
  return { ...noted, perSecond: Math.round(perSecond), ...left };
}

function seen(entry: LoadEntry): LoadSight {
  const { number, state, businessDate, sequence, startedAt, finishedAt, certificate } = entry;
  const tallies = Object.values(certificate?.types ?? {});
  const sum = (count: (tally: (typeof tallies)[number]) => number): number =>
    tallies.reduce((total, tally) => total + count(tally), 0);
  return {
    load: number,
    state,
    businessDate,
    sequence,
    startedAt,
    ...(finishedAt !== undefined && { finishedAt }),
    ...(certificate?.reason && { rule: certificate.reason.rule }),
    ...(certificate && {
      rows: certificate.files.reduce((rows, file) => rows + file.rows, 0),
      counts: {
        new: sum((tally) => tally.new),
        changed: sum((tally) => tally.changed),
        unchanged: sum((tally) => tally.unchanged),
        deleted: sum((tally) => tally.deleted),
        rejected: sum(rejectedCount),
      },
    }),
  };
}

/** Tells once when a source becomes late, and once when what it owed is there. */
export class LateWatch {
  readonly #late = new Map<string, string>();
  readonly #say: (event: LateEvent) => void;

  constructor(say: (event: LateEvent) => void) {
    this.#say = say;
  }

  look(sources: readonly Pick<SourceSight, 'source' | 'lateSince'>[]): void {
    for (const { source, lateSince: since } of sources) {
      const known = this.#late.get(source);
      if (since === undefined) {
        if (this.#late.delete(source)) this.#say({ what: 'source-arrived', source });
      } else if (known === undefined) {
        this.#late.set(source, since);
        this.#say({ what: 'source-late', source, lateSince: since });
      }
    }
  }
}

export interface LateEvent {
  readonly what: 'source-late' | 'source-arrived';
  readonly source: string;
  readonly lateSince?: string;
}
