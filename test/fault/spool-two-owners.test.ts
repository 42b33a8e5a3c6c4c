// Fault: two servers on one spool. The second one refuses and says why; a lock whose owner was killed blocks nobody.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedSpool } from '../../src/spool/embedded-spool.ts';
import { makeFolder, removeFolder, spoolOptions, storeMessage } from '../helpers/spool-fixtures.ts';
import { type SpoolProcess, startSpoolProcess } from '../helpers/spool-process.ts';

describe('two owners of one embedded spool', () => {
  let folder: string;
  let child: SpoolProcess | undefined;

  beforeEach(() => {
    folder = makeFolder();
  });

  afterEach(async () => {
    await child?.kill();
    child = undefined;
    removeFolder(folder);
  });

  it('are refused: the second process ends with one sentence, the first goes on', async () => {
    child = startSpoolProcess(['embedded', folder, 'serve']);
    await child.waitFor('open');
    child.tell('300000');
    await child.waitFor('stored');
    const second = startSpoolProcess(['embedded', folder, 'open']);
    expect(await second.ended()).toBe(3);
    expect(second.stderr).toMatch(/^the spool .*spool\.db is in use by another process: stop that one first\n$/);
    child.tell('300000');
    await child.waitFor('stored 2');
  });

  it('are refused within one process too, which does not cost the first owner its lock', async () => {
    const spool = await EmbeddedSpool.open(spoolOptions(folder));
    await expect(EmbeddedSpool.open(spoolOptions(folder))).rejects.toMatchObject({ code: 'in-use' });
    const other = startSpoolProcess(['embedded', folder, 'open']);
    expect(await other.ended()).toBe(3);
    await storeMessage(spool, Buffer.from('still mine'));
    await spool.close();
  });

  it('follow each other: after SIGKILL the next one opens at once', async () => {
    child = startSpoolProcess(['embedded', folder, 'serve']);
    await child.waitFor('open');
    child.tell('5000');
    await child.waitFor('stored');
    await child.kill();
    const spool = await EmbeddedSpool.open(spoolOptions(folder));
    expect((await spool.count()).messages).toBe(1);
    await spool.close();
  });
});
