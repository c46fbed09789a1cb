import { type Figures, figuresOf, interleave } from './measure.ts';
import { addressOf, target } from './reads.ts';
import type { Chosen, Stage } from './stage.ts';

/** One level of load: single reads of the ungoverned path with and without their account. */
export interface AuditCost {
  readonly callers: number;
  readonly audited: Figures;
  readonly unaudited: Figures;
  /** milliseconds that the account adds to half of the answers */
  readonly addedP50: number;
  /** accounts made durable in a second */
  readonly auditsPerSecond: number;
  /** events that one commit wrote, on average */
  readonly eventsPerBatch: number;
}

interface Committed {
  readonly batches: number;
  readonly events: number;
}

export async function measureAudit(
  stage: Stage,
  chosen: Chosen,
  windows: number,
  seconds: number,
  say: (line: string) => void,
): Promise<readonly AuditCost[]> {
  const { config, data, url } = stage;
  const audited = await stage.run('plain-route.js', [config, data, url, 'audited']);
  const unaudited = await stage.run('plain-route.js', [config, data, url, 'unaudited']);
  const committed = async (): Promise<Committed> =>
    (await (await fetch(`${addressOf(audited)}/committed`)).json()) as Committed;
  const paths = chosen.resources.map((id) => `/fhir/Observation/${id}`);
  const costs: AuditCost[] = [];
  for (const callers of [1, 16, 64]) {
    say(`Measuring: the account of a read, ${callers} ${callers === 1 ? 'caller' : 'callers'} …`);
    const before = await committed();
    const targets = [target(stage, audited, paths), target(stage, unaudited, paths)];
    const series = await interleave('audit', targets, callers, windows, seconds);
    const after = await committed();
    const [withAccount, without] = [figuresOf(series, 0), figuresOf(series, 1)];
    costs.push({
      callers,
      audited: withAccount,
      unaudited: without,
      addedP50: withAccount.p50 - without.p50,
      auditsPerSecond: withAccount.perSecond,
      eventsPerBatch: (after.events - before.events) / Math.max(1, after.batches - before.batches),
    });
  }
  audited.process.kill();
  unaudited.process.kill();
  return costs;
}
