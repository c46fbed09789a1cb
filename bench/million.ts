import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { generateCounty } from '../demo/county/generate.ts';
import { child } from './child.ts';
import { copySeconds } from './loads.ts';
import { openLoop, percentile } from './open-loop.ts';

/** Nights of many rows, each in a process of its own, with plain COPY of the same rows and readers beside it. */
export interface ManyRows {
  readonly people: number;
  readonly rows: number;
  readonly copySeconds: number;
  readonly nights: readonly NightFigures[];
  /** the same readers, with no load beside them */
  readonly readersAtRest: Readers;
}

export interface NightFigures {
  readonly name: string;
  readonly seconds: number;
  /** resident bytes of the loader, before its first row and at most */
  readonly memoryBefore: number;
  readonly peakMemory: number;
  /** absent: nothing to read yet */
  readonly readers?: Readers;
}

export interface Readers {
  readonly requests: number;
  readonly p50: number;
  readonly p99: number;
}

export interface ManyRowsBench {
  readonly folder: string;
  readonly config: string;
  readonly data: string;
  readonly url: string;
  readonly rows: number;
  /** paths to read, once the first night is in */
  readonly paths: () => Promise<readonly string[]>;
  readonly headers: Readonly<Record<string, string>>;
  readonly say: (line: string) => void;
}

const READS_PER_SECOND = 40;
const REST_SECONDS = 30;
// enough that the people made on purpose do not count
const PILOT = 4_000;
const DAY = '2026-11-20';

export async function measureManyRows(bench: ManyRowsBench): Promise<ManyRows> {
  const { folder, config, data, url, say } = bench;
  const county = (name: string, people: number, sequence: number, changed: number) =>
    generateCounty(join(folder, name), { seed: 3, people, businessDate: DAY, sequence, changed });
  const pilot = await county('pilot', PILOT, 1, 0);
  rmSync(join(folder, 'pilot'), { recursive: true });
  const people = Math.ceil((bench.rows / pilot.rows) * PILOT);
  say(`Generating a night of ${people} people …`);
  const { rows } = await county('night', people, 1, 0);
  const copy = await copySeconds(url, join(folder, 'night'));
  const run = async (name: string): Promise<NightFigures> => {
    const night = await child('night.js', [config, data, url, join(folder, 'night')]);
    const { seconds, atRest, peak } = JSON.parse(night.line) as Record<'seconds' | 'atRest' | 'peak', number>;
    return { name, seconds, memoryBefore: atRest, peakMemory: peak };
  };
  say(`Loading ${rows} rows for the first time …`);
  const first = await run('first night');
  const paths = await bench.paths();
  const service = await child('service.js', [config, data, url]);
  const read = () => openLoop(`http://127.0.0.1:${service.line}`, paths, bench.headers, READS_PER_SECOND);
  const nights = [first];
  try {
    await summary(read(), 5_000);
    const readersAtRest = await summary(read(), REST_SECONDS * 1000);
    for (const [name, sequence, changed] of [
      ['unchanged night', 2, 0],
      ['1 % changed', 3, 0.01],
    ] as const) {
      say(`Loading: ${name} …`);
      await county('night', people, sequence, changed);
      const readers = read();
      const night = await run(name);
      nights.push({ ...night, readers: figures(await readers.stop()) });
    }
    return { people, rows, copySeconds: copy, nights, readersAtRest };
  } finally {
    service.process.kill();
  }
}

async function summary(readers: ReturnType<typeof openLoop>, milliseconds: number): Promise<Readers> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return figures(await readers.stop());
}

function figures(taken: readonly number[]): Readers {
  return { requests: taken.length, p50: percentile(taken, 0.5), p99: percentile(taken, 0.99) };
}

/** The figures as lines to read. */
export function manyRowsText({ people, rows, copySeconds: copy, nights, readersAtRest }: ManyRows): string[] {
  const rate = (seconds: number): string =>
    `${Math.round(rows / seconds)
      .toLocaleString('en-GB')
      .padStart(9)} rows/s`;
  const mib = (bytes: number): string => `${(bytes / 1048576).toFixed(0)} MiB`;
  const waits = ({ requests, p50, p99 }: Readers): string =>
    `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms of ${requests} reads`;
  return [
    `loads, ${rows} rows of ${people} people:`,
    `  plain COPY of the same rows   ${rate(copy)}`,
    ...nights.flatMap(({ name, seconds, memoryBefore, peakMemory, readers }) => [
      `  ${name.padEnd(29)} ${rate(seconds)}  (${(copy / seconds).toFixed(3)} of COPY), memory ${mib(peakMemory)} at most, ${mib(memoryBefore)} before`,
      ...(readers === undefined ? [] : [`    readers beside it           ${waits(readers)}`]),
    ]),
    `  readers with no load          ${waits(readersAtRest)}, ${READS_PER_SECOND} a second, open loop`,
  ];
}
