import { join } from 'node:path';
import { readConfiguration } from '../src/config.ts';
import { startDatabase } from '../src/database-start.ts';
import { loadExtract } from '../src/load.ts';
import { packageRoot } from '../src/package-root.ts';
import { wire } from '../src/wire.ts';

/** One night of all sources in a process of its own. Arguments: configuration file, data folder, database URL, folder. */
const [file, data, url, folder = ''] = process.argv.slice(2);
const configuration = readConfiguration(
  { MCR_CONFIG: file, MCR_DATA: data, MCR_DATABASE_URL: url, MCR_PORT: '0' },
  packageRoot(),
);
const service = await wire(configuration, await startDatabase(configuration, () => {}));
const began = performance.now();
const atRest = process.memoryUsage.rss();
let peak = 0;
for (const code of configuration.policy.sources.keys()) {
  const { result, reason, peakMemoryBytes } = await loadExtract(service, code, join(folder, code));
  if (result !== 'published') throw new Error(`${code} was not published: ${reason?.sentence ?? ''}`);
  peak = Math.max(peak, peakMemoryBytes);
}
const seconds = (performance.now() - began) / 1000;
await service.close();
process.stdout.write(`${JSON.stringify({ seconds, atRest, peak })}\n`);
