import { createServer } from 'node:net';
import closeWithGrace from 'close-with-grace';
import type { Configuration } from './config.ts';
import { readConfiguration } from './config.ts';
import { startDatabase } from './database-start.ts';
import { prepareDemonstration } from './demonstration.ts';
import { environment, packageRoot } from './package-root.ts';
import { tellConfiguration } from './tell-configuration.ts';
import { wire } from './wire.ts';

/** Shutdown may take this long: what is in flight is answered, the audit queue is written. */
const GRACE = 30_000;
/** What is late is known a minute later at most. */
const WATCH_EVERY = 60_000;

/** Reads the configuration, starts the database, wires the service and listens. Ends the process with a sentence where it cannot. */
export async function serve(): Promise<void> {
  const say = (sentence: string): void => void process.stdout.write(`${sentence}\n`);
  try {
    await start(say);
  } catch (error) {
    process.stderr.write(`${sentenceOf(error)}\n`);
    process.exit(1);
  }
}

async function start(say: (sentence: string) => void): Promise<void> {
  const began = performance.now();
  const configuration = readConfiguration(environment(), packageRoot());
  await requireFreePort(configuration.listen);
  const database = await startDatabase(configuration, say);
  for (const warning of database.warnings) say(`Warning: ${warning}`);
  try {
    const service = await wire(configuration, database);
    await tellConfiguration(service);
    const guide = configuration.mode === 'demo' ? await prepareDemonstration(service, say) : [];
    await service.app.listen(configuration.listen);
    service.checkpoints.start();
    // a database that cannot be asked is told of by readiness
    const watching = setInterval(() => void service.watchSources().catch(() => {}), WATCH_EVERY);
    closeWithGrace({ delay: GRACE, logger: false }, async ({ err }) => {
      if (err !== undefined) process.stderr.write(`Stopping after an error: ${err.name}\n`);
      else say('Stopping: answering what is in flight, writing the audit queue.');
      clearInterval(watching);
      await service.close();
      await database.stop();
    });
    say(
      `My Care Record answers on ${configuration.fhirBase} after ${((performance.now() - began) / 1000).toFixed(1)} s.`,
    );
    for (const line of guide) say(line);
  } catch (error) {
    await database.stop();
    throw error;
  }
}

/** Asked before the database is started: who starts a second copy by mistake is told at once. */
async function requireFreePort({ host, port }: Configuration['listen']): Promise<void> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen(port, host, resolve);
    });
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    const why = taken ? 'is taken' : 'cannot be listened on';
    throw new Error(`Port ${port} on ${host} ${why}. Name another with MCR_PORT.`, { cause: error });
  }
  await new Promise((resolve) => probe.close(resolve));
}

/** One clear sentence. What is not ours to word is named by its class and code. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return 'The start failed.';
  return error.message === '' ? `The start failed (${error.name}).` : error.message;
}
