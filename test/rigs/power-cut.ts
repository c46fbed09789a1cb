import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { type EmbeddedCluster, startEmbedded } from '../../src/storage/embedded.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { logFaults } from '../support/audit-log.ts';
import { storedLog } from '../support/stored-audit-log.ts';

/**
 * Cuts the power under an audit log that is being written: its PostgreSQL runs on a file system in an image, the image is
 * copied while everything is stopped where it stands, and PostgreSQL recovers from the copy. What the disk had not got
 * is not in it. Whatever had been acknowledged by then must be there. Then the same without fsync, which must be caught.
 */
const { values } = parseArgs({
  options: { cuts: { type: 'string', default: '5' }, seconds: { type: 'string', default: '2' } },
});
const CUTS = Number(values.cuts);
const SECONDS = Number(values.seconds);
const IMAGE_SIZE = '700M';
const ID_LENGTH = 36;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const run = (program: string, ...args: string[]): void => {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
};

/** Why it cannot be done here; undefined where it can. */
async function hindrance(folder: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'it mounts an image, and needs root';
  if (!existsSync('/dev/loop-control')) return 'this machine has no loop devices';
  try {
    const disk = new Disk(folder, 'probe', '16M');
    disk.make();
    await disk.unmount();
    rmSync(disk.image);
    return undefined;
  } catch {
    return 'no image can be mounted here';
  }
}

/** A file system in a file. */
class Disk {
  readonly image: string;
  readonly mount: string;
  readonly #size: string;

  constructor(folder: string, name: string, size = IMAGE_SIZE) {
    this.image = join(folder, `${name}.img`);
    this.mount = join(folder, name);
    this.#size = size;
  }

  make(): void {
    run('truncate', '-s', this.#size, this.image);
    run('mkfs.ext4', '-q', '-F', this.image);
    this.attach();
  }

  attach(): void {
    mkdirSync(this.mount, { recursive: true });
    run('mount', '-o', 'loop', this.image, this.mount);
    chmodSync(this.mount, 0o755);
  }

  /** A server that has just ended may still be let go of. */
  async unmount(): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        run('umount', this.mount);
        return;
      } catch (error) {
        if (tries >= 100) throw error;
        await sleep(100);
      }
    }
  }
}

function started(dataFolder: string, fsync: boolean): Promise<EmbeddedCluster> {
  const settings = { fsync: fsync ? 'on' : 'off', max_wal_size: '128MB', min_wal_size: '32MB' };
  return startEmbedded({ dataFolder, say: () => {}, settings });
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Processes of a server, its postmaster first. */
function processesOf(postmaster: number): readonly number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/stat`, 'utf8')
            .replace(/^.*\) /s, '')
            .split(' ')[1] === String(postmaster)
        );
      } catch {
        return false;
      }
    });
  return [postmaster, ...children];
}

function signal(pids: readonly number[], what: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, what);
    } catch {
      // it ended by itself
    }
  }
}

interface Cut {
  readonly acknowledged: number;
  readonly lost: number;
  readonly faults: readonly string[];
}

async function cut(folder: string, number: number, fsync: boolean): Promise<Cut> {
  const live = new Disk(folder, `live-${number}`);
  live.make();
  const cluster = await started(live.mount, fsync);
  const copy = new Disk(folder, `copy-${number}`);
  let acknowledged: readonly string[] = [];
  try {
    const admin = await connected(cluster.url('postgres'));
    await migrate(admin);
    const { rows } = await admin.query("select split_part(pg_read_file('postmaster.pid'), e'\\n', 1) as pid");
    await admin.query('checkpoint');
    await admin.end();
    run('sync', '-f', live.mount);
    acknowledged = await appended(cluster, Number(rows[0].pid), fsync, () =>
      run('cp', '--sparse=always', live.image, copy.image),
    );
  } finally {
    await cluster.stop();
    await live.unmount();
    rmSync(live.image);
  }
  return recovered(copy, acknowledged);
}

/** Writes for a while, stops everything where it stands, and lets the image be taken. */
async function appended(
  cluster: EmbeddedCluster,
  postmaster: number,
  fsync: boolean,
  take: () => void,
): Promise<readonly string[]> {
  const program = fileURLToPath(new URL('./lenient-appender.js', import.meta.url));
  const args = [program, cluster.url('postgres'), '16', fsync ? 'strict' : 'lenient'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  await sleep(SECONDS * 1000);
  signal([child.pid ?? 0], 'SIGSTOP');
  const pids = processesOf(postmaster);
  signal(pids, 'SIGSTOP');
  take();
  signal(pids, 'SIGCONT');
  child.kill('SIGKILL');
  await ended;
  return output.split('\n').filter((line) => line.length === ID_LENGTH);
}

async function recovered(copy: Disk, acknowledged: readonly string[]): Promise<Cut> {
  copy.attach();
  try {
    return await recoveredFrom(copy, acknowledged);
  } finally {
    await copy.unmount();
    rmSync(copy.image);
  }
}

async function recoveredFrom(copy: Disk, acknowledged: readonly string[]): Promise<Cut> {
  // the dead server's lock file is that of one that lives, or lived, on this machine
  for (const entry of readdirSync(copy.mount, { withFileTypes: true }))
    if (entry.isDirectory()) rmSync(join(copy.mount, entry.name, 'postmaster.pid'), { force: true });
  try {
    const cluster = await started(copy.mount, true);
    try {
      const admin = await connected(cluster.url('postgres'));
      const log = await storedLog(admin);
      await admin.end();
      const stored = new Set(log.flatMap(({ events }) => events.map(({ eventId }) => eventId)));
      return {
        acknowledged: acknowledged.length,
        lost: acknowledged.filter((id) => !stored.has(id)).length,
        faults: logFaults(log),
      };
    } finally {
      await cluster.stop();
    }
  } catch (error) {
    // a database that does not come back has lost everything
    const why = error instanceof Error ? error.message.slice(0, 200) : 'it did not start';
    return { acknowledged: acknowledged.length, lost: acknowledged.length, faults: [why] };
  }
}

async function series(folder: string, cuts: number, fsync: boolean): Promise<Cut> {
  let [acknowledged, lost] = [0, 0];
  const faults: string[] = [];
  for (let number = 0; number < cuts; number += 1) {
    const one = await cut(folder, fsync ? number : 1000 + number, fsync);
    acknowledged += one.acknowledged;
    lost += one.lost;
    faults.push(...one.faults);
    if (one.acknowledged === 0) faults.push('nothing was acknowledged, so nothing was tried');
    if (!fsync && lost > 0) break;
  }
  say(
    `fsync ${fsync ? 'on ' : 'off'}: ${cuts} cuts at most, ${acknowledged} acknowledged, ${lost} of them lost, ${faults.length} faults`,
  );
  for (const fault of faults.slice(0, 3)) say(`  ${fault}`);
  return { acknowledged, lost, faults };
}

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'mcr-power-'));
  chmodSync(folder, 0o755);
  try {
    const why = await hindrance(folder);
    if (why !== undefined) {
      say(`Skipped: ${why}.`);
      return 0;
    }
    const sound = await series(folder, CUTS, true);
    const mutant = await series(folder, 5, false);
    say(
      `lost after a power cut: ${sound.lost} of ${sound.acknowledged}; without fsync it is ${mutant.lost > 0 ? 'caught' : 'NOT caught'}`,
    );
    return sound.lost === 0 && sound.faults.length === 0 && sound.acknowledged > 0 && mutant.lost > 0 ? 0 : 1;
  } finally {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      say(`${folder} could not be removed: something is still mounted there.`);
    }
  }
}

process.exitCode = await main();
