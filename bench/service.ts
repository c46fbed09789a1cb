import { readConfiguration } from '../src/config.ts';
import { startDatabase } from '../src/database-start.ts';
import { packageRoot } from '../src/package-root.ts';
import { wire } from '../src/wire.ts';

/** The service as it is, on a free port, in a process of its own. Arguments: configuration file, data folder, database URL. */
const [file, data, url] = process.argv.slice(2);
const configuration = readConfiguration(
  { MCR_CONFIG: file, MCR_DATA: data, MCR_DATABASE_URL: url, MCR_PORT: '0' },
  packageRoot(),
);
const service = await wire(configuration, await startDatabase(configuration, () => {}));
await service.app.listen(configuration.listen);
const address = service.app.server.address();
process.stdout.write(`${typeof address === 'object' ? (address?.port ?? 0) : 0}\n`);
process.on('SIGTERM', () => void service.close().then(() => process.exit(0)));
