import { lateSince } from './access/arrival.ts';
import type { Policy } from './access/policy.ts';
import { rejectedCount } from './loads/certificate-page.ts';
import type { LoadEntry } from './loads/history.ts';
import type { NotedProgress } from './storage/load-overview.ts';

/** What operators see of sources and their loads: names, times and counts, nothing about a person. */

export interface SourceSight {
  readonly source: string;
  readonly name: string;
  readonly published?: LoadSight;
  /** since it last published */
  readonly ageSeconds?: number;
  /** the first promised arrival that was missed */
  readonly lateSince?: string;
  readonly stale: boolean;
  readonly held: number;
  readonly running?: LoadSight & { readonly progress?: NotedProgress };
  readonly last?: LoadSight;
}

export interface LoadSight {
  readonly load: number;
  readonly state: LoadEntry['state'];
  readonly businessDate: string;
  readonly sequence: number;
  readonly startedAt: string;
  readonly finishedAt?: string;
  /** why it was refused or held */
  readonly rule?: string;
  readonly rows?: number;
  readonly counts?: Readonly<Record<'new' | 'changed' | 'unchanged' | 'deleted' | 'rejected', number>>;
}

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
      // what an earlier load noted is not this one's
      ...(running && {
        running: {
          ...seen(running),
          ...(noted !== undefined && noted.updatedAt >= running.startedAt && { progress: noted }),
        },
      }),
      ...(last && { last: seen(last) }),
    };
  });
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
