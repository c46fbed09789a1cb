/**
 * The embedded database cannot be had. The message is one sentence for whoever starts the service on this machine: it
 * names folders and accounts and says what to do. It is never shown to a caller of the API.
 */
export class EmbeddedError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'EmbeddedError';
  }
}

/** The way out that every sentence offers. */
export const USE_A_SERVER = 'set database.url in the configuration to use a PostgreSQL server';

/** The system's code of an error (`EACCES`, `28P01`), or its message where it has none. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : String(error);
}
