import { isServed, served } from '../../fhir/served.ts';
import type { LoadContext } from '../context.ts';
import { PURGE_TYPE } from '../manifest.ts';
import type { PurgedRow } from '../records.ts';
import type { StagedFile } from '../staging.ts';
import { type Line, scanLines } from './lines.ts';

/** Notes what a delta purges. A row that cannot be read, or purges what may not go that way, is rejected. */
export async function readPurges(context: LoadContext): Promise<void> {
  const { files, session, tally, rejects } = context;
  const file = files.find(({ type }) => type === PURGE_TYPE);
  if (file === undefined) return;
  let found: PurgedRow[] = [];
  const flush = async (): Promise<void> => {
    if (found.length > 0) tally.countAll('absent', await session.resources.purge(found));
    found = [];
    await rejects.flush();
  };
  await scanLines(file, (line) => found.push(...purgedRow(context, file, line)), flush);
  await flush();
}

const NAMES = ['id', 'resourceType'];
const ID = /^[A-Za-z0-9\-.]{1,64}$/;

function purgedRow(context: LoadContext, file: StagedFile, { line, bytes }: Line): readonly PurgedRow[] {
  // a line that is too long was rejected when it was counted
  if (bytes === undefined) return [];
  const reject = (rule: string, hint: string): readonly PurgedRow[] => {
    context.rejects.add(PURGE_TYPE, { file: file.name, line, rule, hint });
    return [];
  };
  const json = parsed(bytes);
  const names = Object.keys(json).sort();
  // a whole resource stands here by mistake: it is not purged for that
  if (names.length !== NAMES.length || names.some((name, index) => name !== NAMES[index])) {
    return reject('purge', 'not an object of resourceType and id, and nothing else');
  }
  const { resourceType: type, id } = json;
  if (typeof id !== 'string' || !ID.test(id)) return reject('id', 'missing or no FHIR id');
  if (typeof type !== 'string' || !isServed(type)) return reject('resource-type', 'not a type that is held');
  const { keeping, code } = served(type);
  if (keeping === 'own') return reject('purge', 'what it states ends by a later statement only');
  return [{ type: code, localId: id, resourceId: context.preparer.id(type, id) }];
}

function parsed(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? { ...json } : {};
  } catch {
    return {};
  }
}
