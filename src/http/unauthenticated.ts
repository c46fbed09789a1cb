import { createHash } from 'node:crypto';
import type { Occurrence } from '../audit/occurrence.ts';

/** Sources counted apart in one minute; beyond that they are counted together, so that memory stays bounded. */
const MOST_SOURCES = 10_000;

interface Count {
  readonly address: string;
  readonly reasons: Map<string, number>;
}

/**
 * Unauthenticated refusals, counted by address and audited once a minute each: a flood of bad tokens is no lever on
 * the audit log (DESIGN 4).
 */
export class UnauthenticatedCounter {
  #minute = new Map<string, Count>();
  readonly #write: (occurrence: Occurrence) => Promise<void>;
  readonly #random: () => string;

  constructor(write: (occurrence: Occurrence) => Promise<void>, random: () => string) {
    this.#write = write;
    this.#random = random;
  }

  count(address: string, reason: string): void {
    const key = this.#minute.has(address) || this.#minute.size < MOST_SOURCES ? address : 'others';
    const entry = this.#minute.get(key) ?? { address: key, reasons: new Map<string, number>() };
    entry.reasons.set(reason, (entry.reasons.get(reason) ?? 0) + 1);
    this.#minute.set(key, entry);
  }

  /** Writes an event per address seen since the last time. What cannot be written is counted again. */
  async flush(now: number): Promise<void> {
    const minute = this.#minute;
    this.#minute = new Map();
    for (const [key, { address, reasons }] of minute) {
      try {
        await this.#write(this.#occurrence(address, reasons, now));
      } catch {
        const again = this.#minute.get(key) ?? { address, reasons: new Map<string, number>() };
        for (const [reason, n] of reasons) again.reasons.set(reason, (again.reasons.get(reason) ?? 0) + n);
        this.#minute.set(key, again);
      }
    }
  }

  #occurrence(address: string, reasons: ReadonlyMap<string, number>, now: number): Occurrence {
    const details = Object.fromEntries([...reasons].map(([reason, n]) => [reason, String(n)]));
    const id = this.#random();
    const requestId = createHash('sha256').update(id).digest('hex').slice(0, 32);
    return {
      id,
      at: now,
      requestId,
      what: 'unauthenticated',
      clientAddress: address,
      outcome: { code: '4', reason: 'unauthenticated' },
      details,
    };
  }
}
