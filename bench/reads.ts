import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Child } from './child.ts';
import {
  type Figures,
  figuresOf,
  interleave,
  ratioOf,
  type Series,
  type Spread,
  type Target,
} from './measure.ts';
import type { Chosen, Stage } from './stage.ts';

/** The service, the same work without rules, and a route that sends the same bytes from memory, in the same run. */
export interface ReadFigures {
  readonly name: string;
  readonly windows: number;
  readonly discarded: number;
  readonly service: Figures;
  readonly ungoverned: Figures;
  readonly bare: Figures;
  /** the service's rate by the bare route's */
  readonly ofBare: Spread | 'inconclusive';
  /** the service's CPU by that of the ungoverned path, Node and PostgreSQL together */
  readonly governance: Spread | 'inconclusive';
}

const CONNECTIONS = 32;

export async function measureReads(
  stage: Stage,
  chosen: Chosen,
  windows: number,
  seconds: number,
  say: (line: string) => void,
): Promise<readonly ReadFigures[]> {
  const { config, data, url, headers } = stage;
  const service = await stage.run('service.js', [config, data, url]);
  const plain = await stage.run('plain-route.js', [config, data, url, 'audited']);
  const figures: ReadFigures[] = [];
  for (const [name, paths] of [
    ['audited single read', chosen.resources.map((id) => `/fhir/Observation/${id}`)],
    ['audited 50-resource record', [`/fhir/Patient/${chosen.fifty}/$everything`]],
  ] as const) {
    say(`Measuring: ${name}, without rules, and a bare route …`);
    const bytes = join(stage.folder, `${figures.length}.json`);
    writeFileSync(bytes, await (await fetch(`${addressOf(service)}${paths[0]}`, { headers })).text());
    const bare = await stage.run('bare.js', [bytes]);
    const targets = [
      target(stage, service, paths),
      target(stage, plain, paths),
      { url: addressOf(bare), pid: bare.process.pid ?? 0, requests: [{ path: '/x', headers: {} }] },
    ];
    figures.push(figuresIn(await interleave(name, targets, CONNECTIONS, windows, seconds)));
    bare.process.kill();
  }
  service.process.kill();
  plain.process.kill();
  return figures;
}

export function addressOf({ line }: Child): string {
  return `http://127.0.0.1:${line}`;
}

export function target({ headers, postmaster }: Stage, server: Child, paths: readonly string[]): Target {
  const requests = paths.map((path) => ({ path, headers }));
  return { url: addressOf(server), pid: server.process.pid ?? 0, postmaster, requests };
}

function figuresIn(series: Series): ReadFigures {
  return {
    name: series.name,
    windows: series.windows,
    discarded: series.discarded,
    service: figuresOf(series, 0),
    ungoverned: figuresOf(series, 1),
    bare: figuresOf(series, 2),
    ofBare: ratioOf(series, 0, 2, ({ perSecond }) => perSecond),
    governance: ratioOf(series, 0, 1, ({ nodeMicros, postgresMicros }) => nodeMicros + postgresMicros),
  };
}
