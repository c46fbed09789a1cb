import { EmbeddedError } from './error.ts';

/**
 * What the embedded cluster is run with. Durable, since an audit event counts as written only after COMMIT. No parallel
 * workers: the machine's cores are shared with the service. The log holds no statement and no row, since both would be
 * personal data.
 */
const OURS: Readonly<Record<string, string>> = {
  fsync: 'on',
  max_parallel_workers_per_gather: '0',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_checkpoints: 'off',
};

/** These are how we reach the cluster and keep others out. */
const NOT_TO_BE_SET = new Set([
  ...['listen_addresses', 'port', 'unix_socket_directories', 'data_directory', 'config_file', 'hba_file'],
  ...['ident_file', 'external_pid_file', 'logging_collector', 'log_destination', 'ssl'],
]);

/**
 * Our settings with the caller's above them, as `name=value`.
 * @throws EmbeddedError for a name that is none, or that is not the caller's to set.
 */
export function settingsOf(theirs: Readonly<Record<string, string>>): readonly string[] {
  for (const [name, value] of Object.entries(theirs)) {
    if (!/^[a-z_][a-z0-9_.]*$/.test(name) || NOT_TO_BE_SET.has(name) || /[\0\n]/.test(value)) {
      throw new EmbeddedError(`The embedded PostgreSQL's setting "${name}" cannot be given: remove it.`);
    }
  }
  return Object.entries({ ...OURS, ...theirs })
    .map(([name, value]) => `${name}=${value}`)
    .sort();
}
