import { join } from 'node:path';
import { guardLimits } from '../../src/loads/guards.ts';
import { runLoad } from '../../src/loads/run.ts';
import { Database } from '../../src/storage/database.ts';
import { PostgresLoadStore } from '../../src/storage/load-store.ts';
import { KEY, personIds, policy, TODAY } from './world.ts';

/** A program that loads one extract and kills itself when it enters a phase: `killed <folder> <root> <phase>`. */
const [folder = '', root = '', phase = ''] = process.argv.slice(2);

await runLoad({
  folder,
  source: 'gp',
  policy: policy(),
  store: new PostgresLoadStore(new Database({ url: process.env['MCR_KILLED_DATABASE'] ?? '' }, 'mcr_record')),
  audit: async () => {},
  stagingRoot: join(root, 'staging'),
  heldRoot: join(root, 'held'),
  guards: guardLimits(),
  resourceKey: KEY,
  now: () => Date.parse(`${TODAY}T03:00:00Z`),
  newPersonId: personIds(folder),
  progress: (entered) => {
    if (entered === phase) process.kill(process.pid, 'SIGKILL');
  },
});
