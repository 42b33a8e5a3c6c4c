import { randomBytes } from 'node:crypto';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { testSpool } from '../../../src/cmdlets/test-spool.ts';
import { EmbeddedSpool } from '../../../src/spool/embedded-spool.ts';
import type { Spool } from '../../../src/spool/spool.ts';
import { makeContext, rows, runCmdlet } from '../../helpers/cmdlet-context.ts';
import { claimAll, makeFolder, removeFolder, spoolOptions, storeMessage } from '../../helpers/spool-fixtures.ts';

let folder: string;
let spool: Spool;

beforeEach(async () => {
  folder = makeFolder();
  spool = await EmbeddedSpool.open(spoolOptions(folder));
});

afterEach(async () => {
  await spool.close();
  removeFolder(folder);
});

describe('Test-Spool', () => {
  it('is declared soundly', () => {
    expect(faultsOf(testSpool)).toEqual([]);
  });

  it('finds nothing where all is well, claimed messages included', async () => {
    for (let number = 0; number < 120; number++) await storeMessage(spool, Buffer.from('whole'));
    await claimAll(spool);
    const output = await runCmdlet(testSpool, makeContext({ spool }));
    expect(output).toEqual({ records: [], notices: ['120 messages with 600 octets are whole; no findings.'] });
  });

  it('sets aside what is damaged, reports files that belong to nobody, and leaves what is arriving alone', async () => {
    const good = await storeMessage(spool, Buffer.from('whole'));
    const damaged = await storeMessage(spool, Buffer.from('accepted'));
    const torn = await storeMessage(spool, randomBytes(300 * 1024));
    const bodies = join(folder, 'spool', 'bodies');
    const [tornName = ''] = readdirSync(bodies);
    await spool.close();
    const database = new DatabaseSync(join(folder, 'spool', 'spool.db'));
    database.prepare('UPDATE message SET body = ? WHERE id = ?').run(Buffer.from('accEpted'), damaged.id);
    database.close();
    spool = await EmbeddedSpool.open(spoolOptions(folder));
    const body = randomBytes(300 * 1024);
    writeFileSync(join(bodies, tornName), body);
    const orphan = join(bodies, `${'1'.repeat(32)}.body`);
    const arriving = join(bodies, `${'2'.repeat(32)}.part`);
    for (const path of [orphan, arriving, join(bodies, 'readme.txt')]) writeFileSync(path, 'x');
    utimesSync(orphan, 1, 1);
    const { records, notices, failures } = await runCmdlet(testSpool, makeContext({ spool }));
    expect(rows(records, 'Entry', 'Kind', 'Reason', 'Action').toSorted()).toEqual(
      [
        `${damaged.id} | message | the checksum of its body is wrong | set aside in Poison`,
        `${torn.id} | message | the checksum of its body is wrong | set aside in Poison`,
        `${orphan} | orphan | it belongs to no message | `,
        `${join(bodies, 'readme.txt')} | foreign | it is no file of the spool | `,
      ].toSorted(),
    );
    expect(notices).toEqual(['1 messages with 5 octets are whole; 4 findings.']);
    expect(failures).toEqual([
      '2 findings nothing was done about: stop the server and run Test-Spool -Offline -Repair',
    ]);
    expect((await spool.list({ limit: 10 })).map(({ id }) => id)).toEqual([good.id]);
  });

  it('repairs nothing in a running server', async () => {
    await expect(runCmdlet(testSpool, makeContext({ spool }), { Repair: 'true' })).rejects.toMatchObject({
      code: 'parameter-conflict',
    });
  });
});
