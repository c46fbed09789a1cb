import { readdirSync, readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import { percentile } from './open-loop.ts';

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
  const times: number[] = [];
  const result = await autocannon({
    url: target.url,
    connections,
    duration: seconds,
    requests: target.requests.map((request) => ({
      method: 'GET' as const,
      path: request.path,
      headers: { ...request.headers },
    })),
    // its own histogram counts whole milliseconds
    setupClient: (client) => client.on('response', (_status, _bytes, time) => times.push(time)),
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
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
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

export type Figures = Readonly<Record<'perSecond' | 'p50' | 'p99' | 'nodeMicros' | 'postgresMicros', number>>;

/** What several targets did in the same run, window by window. */
export interface Series {
  readonly name: string;
  /** rounds that count: those in which the machine gave next to no time to others */
  readonly rounds: readonly (readonly Window[])[];
  readonly windows: number;
  readonly discarded: number;
}

/** Interleaves the targets, A B C A B C, so that a machine that drifts drifts under all of them. */
export async function interleave(
  name: string,
  targets: readonly Target[],
  connections: number,
  windows: number,
  seconds: number,
): Promise<Series> {
  for (const target of targets) await window(target, connections, seconds);
  const rounds: Window[][] = [];
  for (let index = 0; index < windows; index += 1) {
    const round: Window[] = [];
    for (const target of targets) round.push(await window(target, connections, seconds));
    rounds.push(round);
  }
  const quiet = rounds.filter((round) => round.every(({ steal }) => steal <= 0.05));
  return { name, rounds: quiet, windows, discarded: windows - quiet.length };
}

/** Fewer quiet rounds than this are no result. */
const FEWEST = 5;

/** Medians of one target. */
export function figuresOf({ rounds }: Series, target: number): Figures {
  const of = (name: keyof Figures): number =>
    spread(rounds.flatMap((round) => round[target]?.[name] ?? [])).median;
  return {
    perSecond: of('perSecond'),
    p50: of('p50'),
    p99: of('p99'),
    nodeMicros: of('nodeMicros'),
    postgresMicros: of('postgresMicros'),
  };
}

/** Ratio of a figure of target `a` to that of target `b`, of pairs of windows; too few of them say nothing. */
export function ratioOf(
  { rounds }: Series,
  a: number,
  b: number,
  figure: (window: Window) => number,
): Spread | 'inconclusive' {
  if (rounds.length < FEWEST) return 'inconclusive';
  const pairs = rounds.flatMap((round): number[] => {
    const [one, other] = [round[a], round[b]];
    return one === undefined || other === undefined ? [] : [figure(one) / figure(other)];
  });
  return spread(pairs);
}
