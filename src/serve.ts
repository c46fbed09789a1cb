import closeWithGrace from 'close-with-grace';
import type { Configuration } from './config.ts';
import { readConfiguration } from './config.ts';
import { startDatabase } from './database-start.ts';
import { prepareDemonstration } from './demonstration.ts';
import { environment, packageRoot } from './package-root.ts';
import { wire } from './wire.ts';

/** Shutdown may take this long: what is in flight is answered, the audit queue is written. */
const GRACE = 30_000;

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
  const database = await startDatabase(configuration, say);
  for (const warning of database.warnings) say(`Warning: ${warning}`);
  try {
    const service = await wire(configuration, database);
    const guide = configuration.mode === 'demo' ? await prepareDemonstration(service, say) : [];
    await listen(service.app, configuration);
    closeWithGrace({ delay: GRACE, logger: false }, async ({ err }) => {
      if (err !== undefined) process.stderr.write(`Stopping after an error: ${err.name}\n`);
      else say('Stopping: answering what is in flight, writing the audit queue.');
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

async function listen(
  app: { listen(at: { host: string; port: number }): Promise<string> },
  { listen: at }: Configuration,
): Promise<void> {
  try {
    await app.listen(at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      throw new Error(`Port ${at.port} on ${at.host} is taken. Name another with MCR_PORT.`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** One clear sentence. What is not ours to word is named by its class and code. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return 'The start failed.';
  return error.message === '' ? `The start failed (${error.name}).` : error.message;
}
