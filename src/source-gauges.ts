import { Gauge, type Registry } from 'prom-client';
import type { SourceSight } from './http/loads-page.ts';

const FIGURES: Readonly<Record<string, { help: string; of: (sight: SourceSight) => number | undefined }>> = {
  mcr_source_published_timestamp_seconds: {
    help: 'When the source last published',
    of: ({ published }) => seconds(published?.finishedAt),
  },
  mcr_source_age_seconds: { help: 'Since the source last published', of: ({ ageSeconds }) => ageSeconds },
  mcr_source_business_date_timestamp_seconds: {
    help: 'The day its record describes',
    of: ({ published }) => seconds(published?.businessDate),
  },
  mcr_source_rows: { help: 'Rows of its published extract', of: ({ published }) => published?.rows },
  mcr_source_rejected_rows: {
    help: 'Rows of its published extract that were rejected',
    of: ({ published }) => published?.counts?.rejected,
  },
  mcr_source_held_loads: { help: 'Loads that wait for a decision', of: ({ held }) => held },
  mcr_source_late: {
    help: '1: a promised time has passed without its extract',
    of: ({ lateSince }) => (lateSince === undefined ? 0 : 1),
  },
  mcr_source_stale: {
    help: '1: never published, or older than the source allows',
    of: ({ stale }) => (stale ? 1 : 0),
  },
};

/**
 * Figures of each source.
 *
 * @returns what brings them up to date, before they are read. While the database is away there are none
 */
export function sourceGauges(
  registry: Registry,
  sources: () => Promise<readonly SourceSight[]>,
): () => Promise<void> {
  const gauges = Object.entries(FIGURES).map(([name, { help, of }]) => ({
    gauge: new Gauge({ name, help, labelNames: ['source'], registers: [registry] }),
    of,
  }));
  return async () => {
    const sights = await sources().catch(() => []);
    for (const { gauge, of } of gauges) {
      gauge.reset();
      for (const sight of sights) {
        const value = of(sight);
        if (value !== undefined) gauge.set({ source: sight.source }, value);
      }
    }
  };
}

function seconds(instant: string | undefined): number | undefined {
  return instant === undefined ? undefined : Date.parse(instant) / 1000;
}
