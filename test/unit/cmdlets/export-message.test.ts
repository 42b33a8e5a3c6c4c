import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { exportMessage } from '../../../src/cmdlets/export-message.ts';
import type { ServerContext } from '../../../src/cmdlets/server-context.ts';
import { EmbeddedSpool } from '../../../src/spool/embedded-spool.ts';
import type { Spool } from '../../../src/spool/spool.ts';
import type { MailQueue } from '../../../src/transport/queue.ts';
import { makeContext, readStream, runCmdlet } from '../../helpers/cmdlet-context.ts';
import {
  envelopeFor,
  makeEnvelope,
  makeFolder,
  removeFolder,
  spoolOptions,
  storeMessage,
  TRACE_FIELDS,
} from '../../helpers/spool-fixtures.ts';

const LARGE = 700 * 1024;

let folder: string;
let spool: Spool;
let context: ServerContext;

beforeEach(async () => {
  folder = makeFolder();
  await open();
});

afterEach(async () => {
  await spool.close();
  removeFolder(folder);
});

async function open(): Promise<void> {
  spool = await EmbeddedSpool.open(spoolOptions(folder));
  const queue: Pick<MailQueue, 'queues'> = { queues: () => [] };
  context = makeContext({ spool, queue: queue as MailQueue });
}

/** The exported octets in front of the message, and those of the message. */
function split(exported: Buffer): { fields: string; message: Buffer } {
  const end = exported.indexOf('\r\n', exported.indexOf('X-EndOfInjectedXHeaders')) + 2;
  return { fields: exported.subarray(0, end).toString(), message: exported.subarray(end) };
}

/** Changes what is stored behind the spool's back. */
async function damage(change: (database: DatabaseSync) => void): Promise<void> {
  await spool.close();
  const database = new DatabaseSync(join(folder, 'spool', 'spool.db'));
  change(database);
  database.close();
  await open();
}

describe('Export-Message', () => {
  it('is declared soundly', () => {
    expect(faultsOf(exportMessage)).toEqual([]);
  });

  it.each([0, 1, 1000, LARGE])('writes a message of %d octets as it is, behind its envelope', async (sizeBytes) => {
    const body = randomBytes(sizeBytes);
    const { id } = await storeMessage(spool, body, makeEnvelope({ sourceAddress: '192.0.2.9' }));
    const output = await runCmdlet(exportMessage, context, { Identity: `Submission\\${id}`, Path: 'm.eml' });
    const { fields, message } = split(await readStream(output));
    expect(message.equals(Buffer.concat([TRACE_FIELDS, body]))).toBe(true);
    expect(fields).toBe(
      [
        'X-Sender: <sender@example.com>',
        'X-Receiver: <recipient@example.org>',
        'X-Source: SMTP:Default HUB01',
        'X-SourceIPAddress: 192.0.2.9',
        'X-Relaypair-Message-Id: <1@example.com>',
        'X-Relaypair-Network-Message-Id: 00000000-0000-0000-0000-000000000001',
        'X-Relaypair-Received: 2026-01-01T00:00:00.123Z',
        'X-Relaypair-Expires: 2026-01-03T00:00:00.123Z',
        'X-CreatedBy: relaypair',
        `X-EndOfInjectedXHeaders: ${TRACE_FIELDS.length + sizeBytes}`,
        '',
      ].join('\r\n'),
    );
    expect(output.notices).toEqual([`m.eml holds message ${id}.`]);
    expect(await spool.get(id)).toBeDefined();
  });

  it('names only those who still wait for the message', async () => {
    const { id } = await storeMessage(spool, Buffer.from('x'), envelopeFor('anna@x.test', 'bob@x.test'));
    await spool.settle(id, { recipients: [{ index: 0, status: 'delivered' }] });
    const { fields } = split(await readStream(await runCmdlet(exportMessage, context, { Identity: String(id) })));
    expect(fields.match(/^X-Receiver: .*$/gm)).toEqual(['X-Receiver: <bob@x.test>']);
  });

  it('lets no text of the envelope begin a field of its own', async () => {
    const { id } = await storeMessage(
      spool,
      Buffer.from('x'),
      makeEnvelope({ messageId: '<1@x>\r\nX-Sender: <evil@x>' }),
    );
    const { fields } = split(await readStream(await runCmdlet(exportMessage, context, { Identity: String(id) })));
    expect(fields.match(/^X-Sender: .*$/gm)).toEqual(['X-Sender: <sender@example.com>']);
  });

  it('writes what can be read of a damaged body, and says that it is damaged', async () => {
    const body = Buffer.from('what was accepted');
    const { id } = await storeMessage(spool, body);
    await damage((database) => database.exec("UPDATE message SET body = x'77686174'"));
    await expect(readStream(await runCmdlet(exportMessage, context, { Identity: String(id) }))).rejects.toMatchObject({
      code: 'spool-damaged',
    });
    const output = await runCmdlet(exportMessage, context, { Identity: `Poison\\${id}` });
    const text = (await readStream(output)).toString();
    expect(text).toMatch(/^X-Relaypair-Damaged: its body has 4 of 17 octets\r\nX-Sender: <sender@example.com>\r\n/);
    expect(text.endsWith(`${TRACE_FIELDS.toString()}what`)).toBe(true);
    expect(output.warnings).toEqual([
      `message ${id} is damaged (its body has 4 of 17 octets): what was written is not what was accepted`,
    ]);
  });

  it('writes the rest of a message whose envelope cannot be trusted, without an envelope', async () => {
    const { id } = await storeMessage(spool, Buffer.from('legible'));
    await damage((database) => database.exec("UPDATE message SET envelope = x'7b7d'"));
    expect(await spool.list({ limit: 10 })).toEqual([]);
    const output = await runCmdlet(exportMessage, context, { Identity: String(id) });
    const text = (await readStream(output)).toString();
    expect(text).toBe(
      `X-Relaypair-Damaged: the checksum of its envelope is wrong\r\n${TRACE_FIELDS.toString()}legible`,
    );
    expect(output.warnings?.[0]).toMatch(/its envelope is not known$/);
  });

  it('writes nothing in place of a body file that is missing or no file', async () => {
    const { id } = await storeMessage(spool, randomBytes(LARGE));
    const [name = ''] = readdirSync(join(folder, 'spool', 'bodies'));
    await spool.close();
    rmSync(join(folder, 'spool', 'bodies', name));
    mkdirSync(join(folder, 'spool', 'bodies', name));
    writeFileSync(join(folder, 'spool', 'bodies', name, 'foreign'), 'secret');
    await open();
    const text = (await readStream(await runCmdlet(exportMessage, context, { Identity: `Poison\\${id}` }))).toString();
    expect(text).toMatch(/^X-Relaypair-Damaged: its body file is missing/);
    expect(text.endsWith(TRACE_FIELDS.toString())).toBe(true);
  });

  it('refuses what is in no queue', async () => {
    await expect(runCmdlet(exportMessage, context, { Identity: '3\\99' })).rejects.toMatchObject({
      code: 'message-not-found',
    });
  });
});
