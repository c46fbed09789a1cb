import type { SourcePolicy } from '../access/policy.ts';
import { type Certificate, type LoadPhase, Tally } from './certificate.ts';
import type { LoadProgress } from './context.ts';
import { type GuardFinding, guardKey, guardSentence } from './guards.ts';
import type { Manifest } from './manifest.ts';
import { LoadFailed, type LoadOptions } from './options.ts';
import type { LoadEvent, LoadResult, LoadSession } from './ports.ts';
import type { RestrictionCounts } from './records.ts';
import { Refusal } from './refusal.ts';

/** What a run knows of itself as it goes on: its certificate and its audit events are made from it. */
export class LoadReport {
  readonly tally = new Tally();
  readonly progress: LoadProgress;
  readonly #options: LoadOptions;
  readonly #source: SourcePolicy;
  #session: LoadSession | undefined;
  #manifest: Manifest | undefined;
  #manifestHash = '';
  #loadNo = 0;
  #phase: LoadPhase = 'open';

  constructor(options: LoadOptions, source: SourcePolicy) {
    this.#options = options;
    this.#source = source;
    this.progress = (phase, done, total) => {
      this.tally.memory(options.memory?.() ?? 0);
      options.progress?.(phase, done, total);
    };
  }

  opened(session: LoadSession): void {
    this.#session = session;
  }

  described(manifest: Manifest, hash: Buffer): void {
    this.#manifest = manifest;
    this.#manifestHash = hash.toString('hex');
  }

  begun(loadNo: number): void {
    this.#loadNo = loadNo;
  }

  /** Runs one phase and notes how long it took. */
  async phase<T>(phase: LoadPhase, step: () => Promise<T>): Promise<T> {
    this.#phase = phase;
    this.progress(phase, 0, 0);
    const before = this.#options.now();
    try {
      return await step();
    } finally {
      this.tally.spent(phase, this.#options.now() - before);
      this.tally.memory(this.#options.memory?.() ?? 0);
    }
  }

  async restricting(counts: RestrictionCounts): Promise<void> {
    const details = Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)]));
    await this.#options.audit({
      result: 'restricting',
      source: this.#source.code,
      details: { ...this.#facts(), ...details },
    });
  }

  async published(publish: () => Promise<number>): Promise<Certificate> {
    const publication = await this.phase('publish', publish);
    return this.#certificate('published', { publication });
  }

  async duplicate(sameAs: number): Promise<Certificate> {
    const certificate = this.#certificate('duplicate', { sameAs });
    await this.#options.audit(this.event('duplicate'));
    await this.#session?.abandon('duplicate', JSON.stringify(certificate));
    return certificate;
  }

  /** A guard tripped: takes back what was changed, and leaves the rest to a human. */
  async held(): Promise<Certificate> {
    const certificate = this.#certificate('held', {
      reason: { rule: 'guard', sentence: this.#exceeded().map(guardSentence).join(' ') },
    });
    await this.#session?.abandon('held', JSON.stringify(certificate));
    await this.#options.audit(this.event('held', 'guard'));
    return certificate;
  }

  /** After an error: takes back what was changed, tells the audit log, and answers or throws. */
  async ended(error: unknown): Promise<Certificate> {
    const reason =
      error instanceof Refusal
        ? { rule: error.rule, sentence: error.message }
        : { rule: 'failure' as const, sentence: `Something failed at the step "${this.#phase}".` };
    const result = error instanceof Refusal ? 'refused' : 'failed';
    const certificate = this.#certificate(result, { reason });
    // what cannot be taken back now is taken back when the source is next loaded; it is told in any case
    const faults: unknown[] = [error];
    try {
      const publication =
        this.#loadNo > 0 ? await this.#session?.abandon(result, JSON.stringify(certificate)) : undefined;
      if (publication !== undefined) return this.#certificate('published', { publication });
    } catch (fault) {
      faults.push(fault);
    }
    try {
      await this.#options.audit(this.event(result, reason.rule));
    } catch (fault) {
      faults.push(fault);
    }
    if (faults.length > 1) throw new LoadFailed(certificate, new AggregateError(faults));
    if (error instanceof Refusal) return certificate;
    throw new LoadFailed(certificate, error);
  }

  /** As it is stored with the load: all but the publication's own duration. */
  certificateText(publication: number): string {
    return JSON.stringify(this.#certificate('published', { publication }));
  }

  event(result: LoadResult, rule?: string): LoadEvent {
    const { tally } = this;
    const details = {
      ...this.#facts(),
      ...(rule !== undefined && { rule }),
      ...(result === 'held' && { guards: this.#exceeded().map(guardKey).join(', ') }),
      new: String(tally.total('new')),
      changed: String(tally.total('changed')),
      deleted: String(tally.total('deleted')),
      unchanged: String(tally.total('unchanged')),
      rejected: String(tally.rejected),
    };
    return { result, source: this.#source.code, details };
  }

  /** At most ten: the certificate has them all. */
  #exceeded(): readonly GuardFinding[] {
    return this.tally.guards.filter(({ outcome }) => outcome === 'exceeded').slice(0, 10);
  }

  #facts(): Readonly<Record<string, string>> {
    const { businessDate, sequence } = this.#manifest ?? {};
    const { releases } = this.#options;
    return {
      ...(businessDate !== undefined && { businessDate }),
      ...(sequence !== undefined && { sequence: String(sequence) }),
      ...(this.#manifestHash !== '' && { manifest: this.#manifestHash }),
      ...(this.#loadNo > 0 && { load: String(this.#loadNo) }),
      ...(releases !== undefined && { releases: String(releases) }),
    };
  }

  #certificate(
    result: LoadResult,
    more: Pick<Certificate, 'reason' | 'publication' | 'sameAs'>,
  ): Certificate {
    const { tally } = this;
    const { releases } = this.#options;
    const { businessDate, kind, sequence, files = [] } = this.#manifest ?? {};
    return {
      source: this.#source.code,
      result,
      ...more,
      ...(businessDate !== undefined && { businessDate }),
      ...(kind !== undefined && { kind }),
      ...(sequence !== undefined && { sequence }),
      ...(this.#manifestHash !== '' && { manifest: this.#manifestHash }),
      ...(this.#loadNo > 0 && { loadNumber: this.#loadNo }),
      ...(releases !== undefined && { releases }),
      undone: this.#session?.undone ?? [],
      files,
      columns: tally.columns,
      types: tally.types,
      identity: tally.identity,
      consent: tally.consent,
      guards: tally.guards,
      rejectedBefore: tally.rejectedBefore,
      profileWarnings: 0,
      timings: tally.timings,
      peakMemoryBytes: tally.peakMemoryBytes,
    };
  }
}
