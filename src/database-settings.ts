/** Where the database is, and the logins there. */
export interface DatabaseSettings {
  /** absent: the embedded database */
  readonly url?: string;
  /** logins that may only write, or only read, the audit log. Absent: `url`, acting in the role */
  readonly journalUrl?: string;
  readonly auditorUrl?: string;
  /** the owner's login, for migrations and partitions. Absent: `url` */
  readonly ownerUrl?: string;
  /** a login that may retire months of the audit log and nothing else; it never serves. Absent: `url` */
  readonly retentionUrl?: string;
  /** false: the embedded database never takes a system PostgreSQL's binaries */
  readonly systemBinaries: boolean;
}
