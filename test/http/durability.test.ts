import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import t from 'tap';
import { repositoryRoot } from '../support/root.ts';
import { testService } from '../support/service.ts';

/** How often the server is killed; more by hand with MCR_KILLS. */
const KILLS = Number(process.env['MCR_KILLS'] ?? 10);
const READERS = 8;

interface Running {
  readonly child: ChildProcess;
  readonly base: string;
}

/** The service in a process of its own, so that it can be killed like one. */
async function start(config: string, data: string, url: string): Promise<Running> {
  const program = join(repositoryRoot(), 'dist', 'bench', 'service.js');
  const child = spawn(process.execPath, [program, config, data, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const [port] = (await once(lines, 'line')) as [string];
  return { child, base: `http://127.0.0.1:${port}/fhir` };
}

t.test('kill -9 under reads: every answered read has its AuditEvent, and the log has no gap', async (t) => {
  const county = await testService(t, { people: 60 });
  const client = new pg.Client({ connectionString: county.databaseUrl });
  await client.connect();
  t.teardown(() => client.end());
  const { rows } = await client.query<{ id: string }>(
    `select resource_id::text as id from record.resource_version where type = 3 limit 40`,
  );
  const token = await county.token({
    kind: 'staff',
    organisation: 'K82004',
    role: 'general-practitioner',
    user: 'gp-jones',
  });
  const config = join(county.folder, 'config.json');
  const answered: string[] = [];
  let withoutAnswer = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const { child, base } = await start(config, join(county.folder, 'data'), county.databaseUrl);
    let stop = false;
    const reader = async (lane: number): Promise<void> => {
      for (let n = 0; !stop; n += 1) {
        const requestId = `kill-${kill}-${lane}-${n}`;
        const id = rows[(lane * 7 + n) % rows.length]?.id ?? '';
        try {
          const answer = await fetch(`${base}/Condition/${id}`, {
            headers: { authorization: `Bearer ${token}`, 'x-request-id': requestId },
          });
          // bytes that came are bytes that were released, whole body or not
          if (answer.status === 200) answered.push(requestId);
          await answer.text();
        } catch {
          withoutAnswer += 1;
          return;
        }
      }
    };
    const readers = Array.from({ length: READERS }, (_, lane) => reader(lane));
    await new Promise((resolve) => setTimeout(resolve, 500 + (kill % 5) * 100));
    child.kill('SIGKILL');
    await once(child, 'exit');
    stop = true;
    await Promise.all(readers);
  }
  const audited = new Set(
    (
      await client.query<{ request_id: string }>(
        `select request_id from audit.event where request_id like 'kill-%'`,
      )
    ).rows.map((row) => row.request_id),
  );
  const unaudited = answered.filter((requestId) => !audited.has(requestId));
  t.ok(answered.length > KILLS * READERS, `reads were answered: ${answered.length}`);
  t.ok(withoutAnswer >= KILLS, 'and every kill cut some off');
  t.strictSame(unaudited, [], 'answered and not audited');
  t.comment(
    `kills ${KILLS}, answered ${answered.length}, audited ${audited.size}, answered but not audited ${unaudited.length}`,
  );
  const gaps = await client.query(
    `select shard from (select shard, seq, lag(seq) over (partition by shard order by seq) as before from audit.event) e
     where before is not null and seq <> before + 1`,
  );
  t.strictSame(gaps.rows, [], 'sequence numbers have no gap');
});
