import { Random } from '../../demo/county/random.ts';
import { openCheckpoint } from '../../src/audit/checkpoint.ts';
import { checkProof, type Proof } from '../../src/audit/proof.ts';
import { PathBuilder } from '../../src/audit/tree.ts';
import { verifyLog } from '../../src/audit/verify.ts';
import { held, type Rows, RowsReader, type SealedLog } from '../support/sealed-log.ts';
import { copyOf, OPERATORS } from '../support/tampering.ts';

/** What a verifier says of many logs, as one text: a mutant that says anything else has been caught. */

const SEEDS = [1, 2, 3, 4];

/** Logs that were altered, and one that was not; made once, by the verifier's own unaltered parts. */
export function corpus(log: SealedLog): readonly Rows[] {
  const altered = Object.values(OPERATORS).flatMap((operator, number) =>
    SEEDS.flatMap((seed) => {
      const rows = copyOf(log.rows);
      return operator(rows, new Random(seed, 'mutant', number), log) === undefined ? [] : [rows];
    }),
  );
  return [log.rows, ...altered];
}

export async function judgement(log: SealedLog, logs: readonly Rows[]): Promise<string> {
  const said: unknown[] = [];
  const receipts = log.rows.events.map(({ leaf }) => leaf.toString('base64url'));
  for (const rows of logs) {
    const asked = { keys: log.keys, witnessed: held(log.witnessed) };
    said.push(
      await attempt(() => verifyLog(new RowsReader(rows), { ...asked, receipts: [...receipts, 'none'] })),
    );
    const since = { ...asked, witnessed: held(log.witnessed), since: log.witnessed[1] ?? '' };
    said.push(await attempt(() => verifyLog(new RowsReader(rows), since)));
  }
  said.push(...(await proofs(log)));
  return JSON.stringify(said);
}

/** Proofs of every event, and of none of those that are spoilt. */
async function proofs(log: SealedLog): Promise<readonly unknown[]> {
  const jws = log.witnessed.at(-1) ?? '';
  const said: unknown[] = [];
  const own = log.rows.events.filter(({ shard }) => shard === 0).sort((a, b) => a.seq - b.seq);
  const size = openCheckpoint(jws, log.keys).shards[0]?.size ?? 0;
  for (const { eventId, seq, salt, manifest, body } of own.slice(0, size)) {
    const builder = new PathBuilder(seq, size);
    for (const { leaf } of own) builder.add(leaf);
    const path = builder.path().map((one) => one.toString('base64url'));
    const proof: Proof = {
      format: 'mcr-audit-proof/1',
      event: eventId,
      shard: 0,
      seq,
      salt: salt.toString('base64url'),
      manifest: manifest.toString('base64url'),
      checkpoint: 4,
      size,
      path,
    };
    const text = body.toString('utf8');
    const spoilt: readonly Partial<Proof>[] = [
      {},
      { seq: seq + 1 },
      { size: size + 1 },
      { shard: 1 },
      { salt: '' },
      { path: path.slice(1) },
      { path: [...path, path[0] ?? ''] },
      { checkpoint: 3 },
      { event: 'x' },
    ];
    for (const parts of spoilt)
      said.push(
        await attempt(async () => checkProof(JSON.stringify({ ...proof, ...parts }), text, jws, log.keys).no),
      );
  }
  return said;
}

async function attempt(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : 'something else';
  }
}
