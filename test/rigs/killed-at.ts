import { writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { guardLimits } from '../../src/loads/guards.ts';
import { runLoad } from '../../src/loads/run.ts';
import { Database } from '../../src/storage/database.ts';
import { PostgresLoadStore } from '../../src/storage/load-store.ts';
import { KEY, personIds, policy, TODAY } from '../loads/world.ts';
import { killServer } from './ground.ts';

/**
 * A program that loads one extract and kills a process before its nth statement after it entered a phase: itself, or
 * the database. Arguments: database, folder, root, phase, n, pid of the postmaster or 0. It prints the phase it was in.
 */
const [url = '', folder = '', root = '', phase = '', statements = '', postmaster = ''] =
  process.argv.slice(2);

let current = '';
let left = Number.POSITIVE_INFINITY;

class DeadlyDatabase extends Database {
  override async connect(): Promise<Client> {
    const client = await super.connect();
    const query = client.query.bind(client) as (...values: unknown[]) => unknown;
    const counting = (...values: unknown[]): unknown => {
      const answer = query(...values);
      left -= 1;
      // the statement is on its way, and may have been done or not
      if (left < 0) kill();
      return answer;
    };
    Object.assign(client, { query: counting });
    return client;
  }
}

function kill(): void {
  left = Number.POSITIVE_INFINITY;
  writeSync(1, `${current}\n`);
  if (Number(postmaster) > 0) killServer(Number(postmaster));
  else process.kill(process.pid, 'SIGKILL');
}

const database = new DeadlyDatabase({ url }, 'mcr_record');
await runLoad({
  folder,
  source: 'gp',
  policy: policy(),
  store: new PostgresLoadStore(database, 5_000),
  audit: async () => {},
  stagingRoot: join(root, 'staging'),
  heldRoot: join(root, 'held'),
  // whatever the seed brings is no reason to hold a night
  guards: guardLimits({ least: 1_000_000 }),
  resourceKey: KEY,
  now: () => Date.parse(`${TODAY}T03:00:00Z`),
  newPersonId: personIds(folder),
  progress: (entered) => {
    if (entered === phase && current !== phase) left = Number(statements);
    current = entered;
  },
}).then(
  () => process.exit(0),
  () => process.exit(3),
);
