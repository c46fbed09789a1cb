import pg from 'pg';
import { readConfiguration } from '../../src/config.ts';
import { startDatabase } from '../../src/database-start.ts';
import { packageRoot } from '../../src/package-root.ts';
import { AuditWriter } from '../../src/storage/audit-writer.ts';
import { wire } from '../../src/wire.ts';

/**
 * The service as it is, sealing its log, on a free port in a process of its own; or one of the mutants that the rig must
 * catch. Arguments: configuration file, data folder, database URL, mutant or `none`.
 */
const [file, data, url, mutant = 'none'] = process.argv.slice(2);

/** Answers before the commit: what a journal without group commit would do. */
function answerEarly(): void {
  const { write } = AuditWriter.prototype;
  // batches still follow each other: only the answer does not wait
  let before: Promise<unknown> = Promise.resolve();
  AuditWriter.prototype.write = async function (batch) {
    before = before.then(() => write.call(this, batch));
    return { outcome: 'committed' };
  };
}

/** Commits without waiting for the disk, and hides it from the check that would refuse it. */
function commitLazily(): void {
  const query: unknown = Reflect.get(pg.Client.prototype, 'query');
  if (typeof query !== 'function') throw new Error('pg has no query.');
  const lazily = function (this: pg.Client, asked: unknown, ...rest: unknown[]): unknown {
    if (!isBatch(asked)) return Reflect.apply(query, this, [asked, ...rest]);
    Reflect.apply(query, this, ['set synchronous_commit = off']);
    const text = asked.text.replace("current_setting('synchronous_commit')", "'on'");
    return Reflect.apply(query, this, [{ ...asked, text }, ...rest]);
  };
  Reflect.set(pg.Client.prototype, 'query', lazily);
}

function isBatch(asked: unknown): asked is { readonly name: string; readonly text: string } {
  return typeof asked === 'object' && asked !== null && 'name' in asked && asked.name === 'write-audit-batch';
}

if (mutant === 'answer-early') answerEarly();
if (mutant === 'commit-lazily') commitLazily();

const configuration = readConfiguration(
  { MCR_CONFIG: file, MCR_DATA: data, MCR_DATABASE_URL: url, MCR_PORT: '0' },
  packageRoot(),
);
const service = await wire(configuration, await startDatabase(configuration, () => {}));
await service.app.listen(configuration.listen);
service.checkpoints.start();
const address = service.app.server.address();
process.stdout.write(`${typeof address === 'object' ? (address?.port ?? 0) : 0}\n`);
