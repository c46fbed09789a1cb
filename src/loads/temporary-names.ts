/** Names under which programs write what is not whole yet: an extract, or a file of it, is known by its own name. */

const TEMPORARY = /^[.~]|~$|\.(?:tmp|temp|part|partial|filepart|crdownload|uploading|swp|lock)$/i;

/** Dot files, and what SFTP clients call a file while they write it. */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name);
}
