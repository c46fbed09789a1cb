import { isObject, parseStrictObject } from '../access/strict-json.ts';
import { canonicalise } from './canonical.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import type { KeyHistory } from './key-history.ts';
import { leafHash, SALT_LENGTH } from './merkle.ts';
import { rootFromPath } from './tree.ts';

/**
 * Proof that one event is in the log, for somebody who has the event: everything beside it that the check needs, and
 * nothing of any other event. The event itself is not in it; whoever may read it reads it at `AuditEvent/{id}`.
 */
export interface Proof {
  readonly format: 'mcr-audit-proof/1';
  /** `AuditEvent.id` */
  readonly event: string;
  readonly shard: number;
  readonly seq: number;
  /** base64url */
  readonly salt: string;
  /** base64url of the manifest (`manifest.ts`) */
  readonly manifest: string;
  /** number of the checkpoint, and the size of the shard's tree in it */
  readonly checkpoint: number;
  readonly size: number;
  /** RFC 6962 section 2.1.1, nearest to the leaf first, base64url */
  readonly path: readonly string[];
}

/** A proof that does not hold, and why. */
export class ProofError extends Error {
  override readonly name = 'ProofError';
}

/**
 * Whether an event is in the log that a checkpoint was signed over. Needs no database and no network.
 *
 * @param proof JSON as `mcr audit prove` printed it
 * @param event JSON of the AuditEvent, as the API gave it: white space and the order of members do not matter
 * @param jws the checkpoint, from a witness rather than from us
 * @throws ProofError or SignatureError with a sentence where it is not proven
 */
export function checkProof(proof: string, event: string, jws: string, keys: KeyHistory): Checkpoint {
  const checkpoint = openCheckpoint(jws.trim(), keys);
  const said = proofOf(proof);
  if (said.checkpoint !== checkpoint.no)
    throw new ProofError(`The proof is for checkpoint ${said.checkpoint}, and this is ${checkpoint.no}.`);
  const state = checkpoint.shards.find(({ shard }) => shard === said.shard);
  if (state?.size !== said.size) throw new ProofError('The checkpoint knows no such tree.');
  const body = parseStrictObject(Buffer.from(event));
  if (body === undefined) throw new ProofError('The event is no JSON object.');
  if (body['id'] !== said.event) throw new ProofError('The proof is of another event.');
  const [salt, manifest] = [bytes(said.salt), bytes(said.manifest)];
  if (salt.length !== SALT_LENGTH) throw new ProofError('The proof has no salt.');
  const leaf = leafHash(salt, canonicalise(body), manifest);
  const root = rootFromPath(leaf, said.seq, said.size, said.path.map(bytes));
  if (root?.toString('hex') !== state.root)
    throw new ProofError('The event is not in the log as it is given here: something was changed.');
  return checkpoint;
}

function proofOf(text: string): Proof {
  const said = parseStrictObject(Buffer.from(text));
  if (!isObject(said) || said['format'] !== 'mcr-audit-proof/1')
    throw new ProofError('This is no proof: "mcr audit prove" prints one.');
  const { event, shard, seq, salt, manifest, checkpoint, size, path } = said;
  const counts = [shard, seq, checkpoint, size];
  const texts = [event, salt, manifest, ...(Array.isArray(path) ? path : [undefined])];
  if (!counts.every(Number.isSafeInteger) || !texts.every((one) => typeof one === 'string'))
    throw new ProofError('The proof is damaged.');
  return {
    format: 'mcr-audit-proof/1',
    event: String(event),
    shard: Number(shard),
    seq: Number(seq),
    salt: String(salt),
    manifest: String(manifest),
    checkpoint: Number(checkpoint),
    size: Number(size),
    path: Array.isArray(path) ? path.map(String) : [],
  };
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'base64url');
}
