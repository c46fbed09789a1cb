import { Random } from '../../demo/county/random.ts';
import { openCheckpoint } from '../../src/audit/checkpoint.ts';
import { checkProof, type Proof } from '../../src/audit/proof.ts';
import { Frontier, frontierLength, PathBuilder, rootFromPath } from '../../src/audit/tree.ts';
import { verifyLog } from '../../src/audit/verify.ts';
import { held, type Rows, RowsReader, type SealedLog } from '../support/sealed-log.ts';
import { copyOf, OPERATORS } from '../support/tampering.ts';

/** What a verifier says of many logs, as one text: a mutant that says anything else has been caught. */

const SEEDS = [1, 2];

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
  said.push(...(await proofs(log)), ...(await trees(log.rows.events.map(({ leaf }) => leaf))));
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

/** Trees of every size, what is kept of them, paths of every leaf, and what is refused. */
async function trees(leaves: readonly Buffer[]): Promise<readonly unknown[]> {
  const said: unknown[] = [];
  const tree = new Frontier();
  for (const [at, leaf] of leaves.slice(0, 24).entries()) {
    const kept = tree.encode();
    said.push(tree.size, tree.root().toString('hex'), frontierLength(at), kept.toString('hex'));
    const again = Frontier.decode(at, kept);
    again.add(leaf);
    said.push(again.size, again.root().toString('hex'));
    said.push(await attempt(async () => Frontier.decode(at, Buffer.alloc(kept.length + 32)).size));
    tree.add(leaf);
    for (let index = -1; index <= at + 1; index += 1)
      said.push(await attempt(async () => pathOf(leaves, index, at + 1)));
  }
  said.push(await attempt(async () => new PathBuilder(0, 2).path()));
  return said;
}

function pathOf(leaves: readonly Buffer[], index: number, size: number): unknown {
  const builder = new PathBuilder(index, size);
  for (const leaf of leaves) builder.add(leaf);
  const path = builder.path();
  const leaf = leaves[index] ?? Buffer.alloc(0);
  const lead = (at: number, of: number, siblings: readonly Buffer[]): unknown =>
    rootFromPath(leaf, at, of, siblings)?.toString('hex');
  const short = path.map((one) => one.subarray(1));
  return [
    lead(index, size, path),
    lead(index, size + 1, path),
    lead(index + 1, size, path),
    lead(index, size, path.slice(1)),
    lead(index, size, [...path, leaf]),
    lead(index, size, short),
    lead(-1, size, path),
    lead(index + 0.5, size, path),
    lead(index, size + 0.5, path),
  ];
}

async function attempt(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : 'something else';
  }
}
