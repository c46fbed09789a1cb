import { readdirSync, readFileSync } from 'node:fs';
import autocannon from 'autocannon';

/** CPU seconds used so far by a process, user and system together; 0 for one that has ended. */
export function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

/** CPU seconds of every PostgreSQL process whose command names the port, backends included. */
export function postgresSeconds(postmaster: number): number {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const ours = children.filter((name) => Number(name) === postmaster || parentOf(name) === postmaster);
  return ours.reduce((sum, name) => sum + cpuSeconds(Number(name)), 0);
}

function parentOf(pid: string): number {
  try {
    return Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')[1],
    );
  } catch {
    return -1;
  }
}

/** Share of time that the machine gave to others, since boot: differences tell of a window. */
function stealTicks(): { readonly steal: number; readonly all: number } {
  const fields = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '')
    .trim()
    .split(/\s+/)
    .slice(1, 9)
    .map(Number);
  return { steal: fields[7] ?? 0, all: fields.reduce((a, b) => a + b, 0) };
}

/** One window of load against one address. */
export interface Window {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly nodeMicros: number;
  readonly postgresMicros: number;
  readonly steal: number;
}

export interface Target {
  readonly url: string;
  readonly pid: number;
  /** absent: no database behind it */
  readonly postmaster?: number;
  readonly requests: readonly { readonly path: string; readonly headers: Readonly<Record<string, string>> }[];
}

export async function window(target: Target, connections: number, seconds: number): Promise<Window> {
  const before = { steal: stealTicks(), node: cpuSeconds(target.pid), postgres: postgresOf(target) };
  const result = await autocannon({
    url: target.url,
    connections,
    duration: seconds,
    requests: target.requests.map((request) => ({
      method: 'GET' as const,
      path: request.path,
      headers: { ...request.headers },
    })),
  });
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(
      `The measurement is void: ${result.non2xx} answers were not 2xx, ${result.errors} failed.`,
    );
  }
  const after = stealTicks();
  const n = Math.max(1, result.requests.total);
  return {
    perSecond: result.requests.total / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    nodeMicros: ((cpuSeconds(target.pid) - before.node) * 1e6) / n,
    postgresMicros: ((postgresOf(target) - before.postgres) * 1e6) / n,
    steal: (after.steal - before.steal.steal) / Math.max(1, after.all - before.steal.all),
  };
}

function postgresOf(target: Target): number {
  return target.postmaster === undefined ? 0 : postgresSeconds(target.postmaster);
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { min: sorted[0] ?? 0, median: sorted[Math.floor(sorted.length / 2)] ?? 0, max: sorted.at(-1) ?? 0 };
}

/** What two targets did in the same run, window by window; `inconclusive` with fewer than five quiet windows. */
export interface Comparison {
  readonly name: string;
  readonly ratio: Spread | 'inconclusive';
  readonly windows: number;
  readonly discarded: number;
  readonly service: Readonly<Record<'perSecond' | 'p50' | 'p99' | 'nodeMicros' | 'postgresMicros', number>>;
  readonly reference: Readonly<Record<'perSecond' | 'p50' | 'p99' | 'nodeMicros' | 'postgresMicros', number>>;
}

/** Interleaves the two, A B A B, so that a machine that drifts drifts under both. */
export async function compare(
  name: string,
  service: Target,
  reference: Target,
  windows: number,
  seconds: number,
): Promise<Comparison> {
  await window(service, 32, seconds);
  await window(reference, 32, seconds);
  const pairs: { a: Window; b: Window }[] = [];
  for (let index = 0; index < windows; index += 1) {
    pairs.push({ a: await window(service, 32, seconds), b: await window(reference, 32, seconds) });
  }
  const quiet = pairs.filter(({ a, b }) => a.steal <= 0.05 && b.steal <= 0.05);
  const ratio =
    quiet.length < 5 ? 'inconclusive' : spread(quiet.map(({ a, b }) => a.perSecond / b.perSecond));
  const kept = quiet.length < 5 ? pairs : quiet;
  return {
    name,
    ratio,
    windows,
    discarded: pairs.length - quiet.length,
    service: medians(kept.map(({ a }) => a)),
    reference: medians(kept.map(({ b }) => b)),
  };
}

function medians(windows: readonly Window[]): Comparison['service'] {
  const of = (name: keyof Comparison['service']): number => spread(windows.map((one) => one[name])).median;
  return {
    perSecond: of('perSecond'),
    p50: of('p50'),
    p99: of('p99'),
    nodeMicros: of('nodeMicros'),
    postgresMicros: of('postgresMicros'),
  };
}
