// Whether a PostgreSQL server keeps what it acknowledges: pure. A 250 rests on its COMMIT, so a setting that lets a COMMIT
// return before it is on the disk (and on the standby, where there is a synchronous one) is refused.

/** The server's settings as `current_setting` gives them. */
export interface ServerSettings {
  readonly synchronousCommit: string;
  readonly synchronousStandbyNames: string;
  readonly fsync: string;
  readonly fullPageWrites: string;
  /** In milliseconds as a text; 0: none. */
  readonly statementTimeout: string;
}

/** Asks for them, a column each under its name here. */
export const SAFETY_COLUMNS = `current_setting('synchronous_commit') AS "synchronousCommit",
  current_setting('synchronous_standby_names') AS "synchronousStandbyNames",
  current_setting('fsync') AS "fsync", current_setting('full_page_writes') AS "fullPageWrites",
  current_setting('statement_timeout') AS "statementTimeout"`;

/** What could lose acknowledged mail, each in a few words; empty: nothing. */
export function findWeakSettings(settings: ServerSettings): string[] {
  const { synchronousCommit, synchronousStandbyNames, fsync, fullPageWrites, statementTimeout } = settings;
  const isReplicated = synchronousStandbyNames.trim() !== '';
  const weak: string[] = [];
  if (synchronousCommit === 'off') weak.push('synchronous_commit is off: a COMMIT returns before it is on the disk');
  if (synchronousCommit === 'local' && isReplicated) {
    weak.push('synchronous_commit is local: a COMMIT does not wait for the synchronous standby');
  }
  if (synchronousCommit === 'remote_write' && isReplicated) {
    weak.push('synchronous_commit is remote_write: a COMMIT returns before the standby has it on its disk');
  }
  if (fsync !== 'on') weak.push('fsync is off: a power cut loses or damages what was committed');
  if (fullPageWrites !== 'on') weak.push('full_page_writes is off: a power cut can damage pages');
  // A cancelled wait for the standby is reported as a COMMIT that succeeded.
  if (isReplicated && statementTimeout !== '0') {
    weak.push('statement_timeout is set: it ends the wait for the standby as if the COMMIT had succeeded');
  }
  return weak;
}
