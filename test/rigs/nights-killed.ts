import { readConfiguration } from '../../src/config.ts';
import { startDatabase } from '../../src/database-start.ts';
import { loadExtract } from '../../src/load.ts';
import { wire } from '../../src/wire.ts';
import { repositoryRoot } from '../support/root.ts';

/** A night that kills itself when it enters a phase. Arguments: configuration, data, database, source, folder, phase. */
const [file, data, url, source = '', folder = '', phase] = process.argv.slice(2);
const env = { MCR_CONFIG: file, MCR_DATA: data, MCR_DATABASE_URL: url, MCR_PORT: '0' };
const configuration = readConfiguration(env, repositoryRoot());
const service = await wire(configuration, await startDatabase(configuration, () => {}));
await loadExtract(service, source, folder, (entered) => {
  if (entered === phase) process.kill(process.pid, 'SIGKILL');
});
