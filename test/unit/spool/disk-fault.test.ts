import { describe, expect, it } from 'vitest';
import { isProblem } from '../../../src/problem.ts';
import { explainDiskFault, explainOpeningFault } from '../../../src/spool/disk-fault.ts';

function errorWith(fields: { code?: string; errcode?: number }): Error {
  return Object.assign(new Error('it failed'), fields);
}

const sqlite = (errcode: number) => errorWith({ code: 'ERR_SQLITE_ERROR', errcode });

describe('an error of the disk', () => {
  it.each([
    ['ENOSPC', errorWith({ code: 'ENOSPC' })],
    ['EIO', errorWith({ code: 'EIO' })],
    ['EROFS', errorWith({ code: 'EROFS' })],
    ['SQLITE_FULL', sqlite(13)],
    ['SQLITE_IOERR_FSYNC', sqlite(1034)],
    ['SQLITE_READONLY', sqlite(8)],
    ['SQLITE_CANTOPEN', sqlite(14)],
  ])('%s means that the spool is unavailable', (_name, error) => {
    const explained = explainDiskFault(error);
    expect(isProblem(explained, 'spool-unavailable')).toBe(true);
    expect((explained as Error).cause).toBe(error);
  });

  it('SQLITE_CORRUPT means that the database is unreadable', () => {
    expect(isProblem(explainDiskFault(sqlite(267)), 'database-unreadable')).toBe(true);
  });

  it.each([
    ['a bug', new TypeError('undefined is not a function')],
    ['a broken constraint', sqlite(2067)],
    ['a missing file', errorWith({ code: 'ENOENT' })],
  ])('is not what %s is', (_name, error) => {
    expect(explainDiskFault(error)).toBe(error);
  });

  it('is damage when a statement fails that is known to be right, but only while opening', () => {
    expect(isProblem(explainOpeningFault(sqlite(1)), 'database-unreadable')).toBe(true);
    expect(explainDiskFault(sqlite(1))).toMatchObject({ errcode: 1 });
    const bug = new TypeError('undefined is not a function');
    expect(explainOpeningFault(bug)).toBe(bug);
  });
});
