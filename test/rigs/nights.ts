import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Random } from '../../demo/county/random.ts';
import { loadExtract } from '../../src/load.ts';
import { refuseLoad, releaseLoad } from '../../src/load-desk.ts';
import type { Certificate } from '../../src/loads/certificate.ts';
import { Ground } from './ground.ts';
import { difference, isPartOfOld, same } from './nights-compare.ts';
import {
  type Damage,
  isCare,
  PEOPLE,
  type Said,
  SOURCES,
  type SourceCode,
  TYPE,
  writeSaid,
} from './nights-county.ts';
import { DAMAGES, FATES, type Fate, type FaultKind, pickFault, withFault } from './nights-faults.ts';
import { Model, type Movement } from './nights-model.ts';
import { NightService } from './nights-service.ts';
import { Truth } from './nights-truth.ts';

/**
 * Nights of every partner, with faults, against a model in memory: what must be visible, what must not, after each load
 * and while it runs.
 */
const { values } = parseArgs({
  options: { nights: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});
const NIGHTS = Number(values.nights);
const SEED = Number(values.seed);
const DAY = 86_400_000;
const PHASES = ['scan', 'restrict', 'identify', 'map', 'copies', 'guard', 'publish'];
const DECISION = { operator: 'rig', reason: 'Decided by the simulation' };

const say = (line: string): void => void process.stdout.write(`${line}\n`);

class Nights {
  readonly #world: NightService;
  readonly #ground: Ground;
  readonly #truths: ReadonlyMap<SourceCode, Truth>;
  readonly faults = new Map<string, number>();
  readonly checked = new Map<string, number>();
  readonly broken: string[] = [];
  readonly #folders = new Map<SourceCode, string>();
  #model = new Model();
  loads = 0;
  nights = 0;
  #where = '';

  constructor(world: NightService, ground: Ground) {
    this.#world = world;
    this.#ground = ground;
    this.#truths = new Map(
      SOURCES.map((source, n) => [source, new Truth(source, new Random(SEED, 'truth', n))]),
    );
  }

  async night(night: number): Promise<void> {
    for (const [index, source] of SOURCES.entries()) {
      await this.#sourceNight(night, source, new Random(SEED, 'night', night * SOURCES.length + index));
    }
    this.#where = `night ${night}, in the morning`;
    for (let person = 0; person < PEOPLE; person += 1) await this.#look(person);
  }

  async #sourceNight(night: number, source: SourceCode, random: Random): Promise<void> {
    const truth = this.#truths.get(source) ?? new Truth(source, random);
    const last = this.#model.last(source);
    const businessDate = new Date(Date.now() - (NIGHTS - night) * DAY).toISOString().slice(0, 10);
    const at = `${businessDate}T01:00:00Z`;
    if (night > 0) truth.live(random, at);
    const fault = pickFault(random, source, last);
    const fate = FATES[fault];
    // what restricts comes with the very extracts that must not hold it back
    if (fate === 'held' || fate === 'refused-but-restricts') truth.decide(random, at, 'restricting');
    const sequence = (last?.sequence ?? 0) + 1;
    const full = truth.full(sequence, businessDate, random.chance(0.3));
    const mayBeDelta =
      last !== undefined &&
      !isCare(source) &&
      last.quarantined.size === 0 &&
      (fault === 'none' || fault === 'crash');
    const said =
      last !== undefined && mayBeDelta && random.chance(0.5)
        ? truth.delta(full, last)
        : withFault(fault, full, truth, last, random);
    this.#where = `night ${night}, ${source}, ${said.kind}, ${fault}`;
    this.#count(this.faults, fault);
    if (said.kind === 'delta' && fault === 'none') this.#count(this.faults, '(deltas)');
    if (said.gzip) this.#count(this.faults, '(gzipped)');
    const again = fate === 'duplicate' ? this.#folders.get(source) : undefined;
    const damage = DAMAGES.has(fault) ? (fault as Damage) : undefined;
    const folder = again ?? writeSaid(this.#ground.folder, said, damage);
    if (fault === 'crash') await this.#crash(said, folder, random);
    const after = this.#after(said, fate);
    const certificate = await this.#load(source, folder, after.model, random);
    await this.#judge(certificate, said, fault, fate, after.moved);
    this.#model = after.model;
    if (certificate.result === 'published') this.#folders.set(source, folder);
    if (certificate.result === 'held')
      await this.#decideHeld(certificate, said, fault, truth, folder, random);
    for (const person of [random.whole(0, PEOPLE - 1), random.whole(0, PEOPLE - 1)]) await this.#look(person);
    const state = this.#model.last(source);
    if (state !== undefined && certificate.result === 'published' && random.chance(0.25)) {
      const { result } = await this.#load(source, folder, this.#model, random);
      this.#check('a rerun is a no-op', result === 'duplicate', result);
    }
  }

  #after(said: Said, fate: Fate): { readonly model: Model; readonly moved: Movement | undefined } {
    const model = this.#model.copy();
    if (fate === 'refused' || fate === 'duplicate') return { model, moved: undefined };
    model.restrict(said, fate !== 'refused-but-restricts');
    return { model, moved: fate === 'published' ? model.publish(said) : undefined };
  }

  /** A load that dies; what restricts may have counted by then. */
  async #crash(said: Said, folder: string, random: Random): Promise<void> {
    const phase = random.pick(PHASES);
    const signal = await this.#world.killedIn(phase, said.source, folder);
    this.loads += 1;
    this.#check('a load is killed where it is to be', signal === 'SIGKILL', `${phase}: ${signal}`);
    const restricted = this.#model.copy();
    restricted.restrict(said, true);
    for (let n = 0; n < 4; n += 1) {
      const person = random.whole(0, PEOPLE - 1);
      const found = await this.#world.record(person);
      const fits = same(found, this.#model.of(person)) || same(found, restricted.of(person));
      this.#check('a killed load leaves the record as it was', fits, `person ${person}`);
    }
  }

  /** Loads, while somebody reads a person's record again and again. */
  async #load(source: SourceCode, folder: string, after: Model, random: Random): Promise<Certificate> {
    const person = random.whole(0, PEOPLE - 1);
    const before = this.#model;
    const restricting = [before.of(person), after.of(person)];
    const audited = await this.#audited();
    let running = true;
    const loading = loadExtract(this.#world.service, source, folder).finally(() => {
      running = false;
    });
    this.loads += 1;
    while (running && before.last('out-of-hours') !== undefined) {
      await sleep(15);
      const found = await this.#world.record(person);
      const fits =
        restricting.some((expected) => same(found, expected)) ||
        isPartOfOld(found, before.of(person), after.of(person));
      this.#check(
        'readers see the old or the new',
        fits,
        `person ${person}: ${difference(found, after.of(person))}`,
      );
    }
    const certificate = await loading;
    this.#check('every load is audited', (await this.#audited()) > audited, certificate.result);
    return certificate;
  }

  async #audited(): Promise<number> {
    const [row] = await this.#world.rows(
      'select count(*)::int as n from audit.event where person_id is null',
    );
    return Number(row?.['n']);
  }

  async #judge(
    certificate: Certificate,
    said: Said,
    fault: FaultKind,
    fate: Fate,
    moved: Movement | undefined,
  ): Promise<void> {
    const { result, reason } = certificate;
    const wanted = fate === 'refused-but-restricts' ? 'refused' : fate;
    this.#check('a load ends as it must', result === wanted, `${result}: ${reason?.sentence ?? ''}`);
    if (moved === undefined || result !== 'published') return;
    const { source } = said;
    const tally = certificate.types[TYPE[source]];
    if (tally === undefined) {
      this.#check('certificates add up', said.rows.length + said.purged.length === 0, 'nothing was counted');
      return;
    }
    const { new: fresh, changed, deleted, unchanged, refused, withheld } = tally;
    const found = `${fresh} ${changed} ${deleted}`;
    const expected = `${moved.new} ${moved.changed} ${moved.deleted}`;
    this.#check('certificates add up', found === expected, `new, changed, deleted: ${found} for ${expected}`);
    const rejected = Object.values(tally.rejected).reduce((sum, n) => sum + n, 0);
    if (fault !== 'none' || said.kind === 'delta' || source === 'lcs') return;
    const sum = fresh + changed + unchanged + refused + withheld + rejected;
    this.#check('every row is counted once', sum === said.rows.length, `${sum} of ${said.rows.length}`);
  }

  async #decideHeld(
    { loadNumber = 0 }: Certificate,
    said: Said,
    fault: FaultKind,
    truth: Truth,
    folder: string,
    random: Random,
  ): Promise<void> {
    for (let n = 0; n < 3; n += 1) await this.#look(random.whole(0, PEOPLE - 1));
    const desk = this.#world.service;
    const choice = random.pick(['release', 'refuse', 'leave'] as const);
    const tooMany = fault === 'growth' && said.rows.length > 600;
    if (choice === 'leave' || tooMany) return;
    this.#count(this.faults, `(held, then ${choice}d)`);
    this.loads += choice === 'release' ? 1 : 0;
    if (choice === 'refuse') return refuseLoad(desk, loadNumber, DECISION);
    const { model, moved } = this.#after(said, 'published');
    const certificate = await releaseLoad(desk, loadNumber, DECISION);
    await this.#judge(certificate, said, fault, 'published', moved);
    this.#model = model;
    this.#folders.set(said.source, folder);
    // it was right: from now on the source is so
    if (fault !== 'quarter-broken') truth.rows = new Map(said.rows.map((row) => [row.id, row]));
  }

  async #look(person: number): Promise<void> {
    const found = await this.#world.record(person);
    const expected = this.#model.of(person);
    this.#check(
      'what is visible is as predicted',
      same(found, expected),
      `person ${person}: ${difference(found, expected)}`,
    );
    const others = found.markers.filter((text) => text.split('.')[2] !== String(person));
    this.#check('nobody is shown what is of somebody else', others.length === 0, others.join(' '));
    if (expected.state === 'shown') return;
    this.#check(
      'nothing is shown of who opted out or is restricted',
      found.markers.length === 0,
      `person ${person}`,
    );
  }

  #check(invariant: string, holds: boolean, detail: string): void {
    this.#count(this.checked, invariant);
    if (!holds) this.broken.push(`${this.#where}: not so: ${invariant} (${detail})`);
  }

  #count(counts: Map<string, number>, name: string): void {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
}

async function main(): Promise<number> {
  const ground = await Ground.make();
  try {
    const world = await NightService.start(ground);
    try {
      const nights = new Nights(world, ground);
      // an interrupted run ends after its night, and tells what it found
      let interrupted = false;
      const stop = (): void => {
        interrupted = true;
      };
      for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
      for (let night = 0; night < NIGHTS && !interrupted; night += 1) {
        await nights.night(night);
        nights.nights += 1;
        // what follows from a broken night says nothing
        if (nights.broken.length > 0) break;
      }
      return report(nights);
    } finally {
      await world.close();
    }
  } finally {
    await ground.close();
  }
}

function report({ faults, checked, broken, loads, nights }: Nights): number {
  say('faults:');
  for (const [name, n] of [...faults].sort()) say(`  ${name.padEnd(24)} ${String(n).padStart(6)}`);
  say('invariants checked:');
  for (const [name, n] of [...checked].sort()) say(`  ${name.padEnd(56)} ${String(n).padStart(6)}`);
  for (const line of broken.slice(0, 10)) say(line);
  say(
    `${nights} nights, ${loads} loads, ${broken.length} broken; replay with --nights ${NIGHTS} --seed ${SEED}`,
  );
  return broken.length === 0 ? 0 : 1;
}

process.exitCode = await main();
