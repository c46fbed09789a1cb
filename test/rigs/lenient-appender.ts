import pg from 'pg';

/**
 * The appender of the kill tests; `lenient` believes a database without fsync, as the service never would: the mutant
 * that the rig must catch. Arguments: database URL, callers, `strict` or `lenient`.
 */
if (process.argv[4] === 'lenient') {
  const query: unknown = Reflect.get(pg.Client.prototype, 'query');
  if (typeof query !== 'function') throw new Error('pg has no query.');
  const believing = function (this: pg.Client, asked: unknown, ...rest: unknown[]): unknown {
    const lie = (text: string): string => text.replace("current_setting('fsync')", "'on'");
    if (typeof asked === 'string') return Reflect.apply(query, this, [lie(asked), ...rest]);
    if (typeof asked === 'object' && asked !== null && 'text' in asked && typeof asked.text === 'string')
      return Reflect.apply(query, this, [{ ...asked, text: lie(asked.text) }, ...rest]);
    return Reflect.apply(query, this, [asked, ...rest]);
  };
  Reflect.set(pg.Client.prototype, 'query', believing);
}
await import('../support/audit-appender.ts');
