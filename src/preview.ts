import { createSecretKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Configuration, ConfigurationError, readConfiguration } from './config.ts';
import type { LoadProgress } from './loads/context.ts';
import { type Preview, previewExtract } from './loads/preview/preview.ts';
import { environment, packageRoot } from './package-root.ts';

export interface Previews {
  /** by the sharing policy as it is configured */
  readonly configured: Preview;
  /** by the one that was proposed */
  readonly proposed?: Preview;
}

/**
 * What the sharing policy of a source does to an extract. The database is neither needed nor started, and no secret is
 * read: ids are made with a key of the moment.
 *
 * @param proposal file that holds the `shares` of the source's entry as they might be: looked at beside the configured
 * @throws ConfigurationError for a proposal that could not be configured; Error for an unknown source
 */
export async function previewSharing(
  source: string,
  folder: string,
  proposal: string | undefined,
  progress?: LoadProgress,
): Promise<Previews> {
  const before = readConfiguration(environment(), packageRoot());
  const after = proposal === undefined ? undefined : withProposal(source, proposal);
  const configured = await preview(before, source, folder, progress);
  if (after === undefined) return { configured };
  return { configured, proposed: await preview(after, source, folder, progress) };
}

function preview(
  { policy, mappings, dataFolder }: Configuration,
  source: string,
  folder: string,
  progress: LoadProgress | undefined,
): Promise<Preview> {
  const mapping = mappings.get(source);
  return previewExtract({
    folder,
    source,
    policy,
    stagingRoot: join(dataFolder, 'previews'),
    now: Date.now,
    key: createSecretKey(randomBytes(32)),
    ...(mapping !== undefined && { mapping }),
    ...(progress !== undefined && { progress }),
  });
}

function withProposal(source: string, file: string): Configuration {
  const shares = proposed(file);
  try {
    return readConfiguration(environment(), packageRoot(), (content) => replaced(content, source, shares));
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new ConfigurationError(error.faults.map((fault) => `with the shares of ${file}: ${fault}`));
  }
}

function proposed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(
      `The proposed policy ${file} ${error instanceof SyntaxError ? 'is not JSON' : 'cannot be read'}: it is the "shares" object of the source's entry in the configuration.`,
    );
  }
}

/** The configuration with other shares of one source. What is not as it should be is left for the check to name. */
function replaced(content: unknown, code: string, shares: unknown): unknown {
  const { sources } = content as { readonly sources?: unknown };
  if (!Array.isArray(sources)) return content;
  return {
    ...(content as object),
    sources: sources.map((each: { readonly code?: unknown } | null) =>
      each?.code === code ? { ...each, shares } : each,
    ),
  };
}
