// Fault: SIGKILL at any moment while mail is taken in, bounced or recovered. Nothing that was acknowledged is lost, nothing
// half is to be seen, a bounce is neither lost nor doubled. A kill keeps the page cache: spool-sync.test.ts sees to syncs.

import { randomInt } from 'node:crypto';
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SpoolBackend, SpooledMessage } from '../../src/spool/spool.ts';
import { TESTED_SPOOLS } from '../helpers/spool-backends.ts';
import { makeFolder, readBody, removeFolder, sha256, spoolOptions } from '../helpers/spool-fixtures.ts';
import { startSpoolProcess } from '../helpers/spool-process.ts';
import { useSpoolServer } from '../helpers/spool-server.ts';

/** Lets a child fill the spool and kills it at a random moment; returns what it had acknowledged. */
async function fillAndKill(backend: SpoolBackend, folder: string): Promise<string[][]> {
  const child = startSpoolProcess([backend.name, folder, 'fill']);
  await child.waitFor('open');
  await child.waitForLines(2 + randomInt(40));
  await delay(randomInt(15));
  await child.kill();
  return child.lines.filter((line) => line.startsWith('stored')).map((line) => line.split(' '));
}

/** Opens the spool, reads everything in it and checks each body against the SHA-256 in its subject. */
async function readEverything(backend: SpoolBackend, folder: string): Promise<Map<number, SpooledMessage>> {
  const spool = await backend.open(spoolOptions(folder));
  const messages = await spool.list({ limit: 100_000 });
  for (const message of messages) {
    const body = await readBody(spool, message);
    if (message.envelope.source !== 'DSN') expect(sha256(body)).toBe(message.envelope.subject);
  }
  expect(await spool.count()).toMatchObject({ messages: messages.length, damaged: 0 });
  await spool.close();
  return new Map(messages.map((message) => [message.id, message]));
}

useSpoolServer();

describe.each(TESTED_SPOOLS)('spool backend $name, killed', (backend) => {
  // What a database keeps through the death of its client is its own affair and tested with it: a few rounds show ours.
  const isEmbedded = backend.name === 'embedded';
  const rounds = isEmbedded ? 8 : 4;
  let folder: string;

  beforeEach(() => {
    folder = makeFolder();
  });

  afterEach(() => {
    removeFolder(folder);
  });

  it(`while it takes in mail, ${rounds} times, has every acknowledged message whole and no half one`, {
    timeout: 360_000,
  }, async () => {
    const acknowledged: string[][] = [];
    for (let round = 0; round < rounds; round += 1) acknowledged.push(...(await fillAndKill(backend, folder)));
    const found = await readEverything(backend, folder);
    expect(acknowledged.length).toBeGreaterThan(rounds);
    for (const [, id, networkMessageId, digest] of acknowledged) {
      const { envelope } = found.get(Number(id)) ?? {};
      expect([envelope?.networkMessageId, envelope?.subject]).toEqual([networkMessageId, digest]);
    }
    const identities = [...found.values()].map(({ envelope }) => envelope.networkMessageId);
    expect(new Set(identities).size).toBe(identities.length);
    if (isEmbedded) {
      const large = [...found.values()].filter(({ bodySizeBytes }) => bodySizeBytes > 256 * 1024);
      expect(readdirSync(join(folder, 'spool', 'bodies'))).toHaveLength(large.length);
    }
  });

  it(`while it bounces mail, ${rounds} times, has each message with no bounce or its one bounce without it`, {
    timeout: 360_000,
  }, async () => {
    const originals = new Set<string>();
    const settled = new Set<string>();
    for (let round = 0; round < rounds; round += 1) {
      await fillAndKill(backend, folder);
      for (const { envelope } of (await readEverything(backend, folder)).values()) {
        if (envelope.source !== 'DSN') originals.add(envelope.networkMessageId);
      }
      const child = startSpoolProcess([backend.name, folder, 'bounce']);
      await child.waitFor('open');
      // There may be fewer than that: a filler that was killed early has left only some.
      await child.waitForLines(2 + randomInt(15), 'all settled');
      await child.kill();
      for (const line of child.lines) if (line.startsWith('settled ')) settled.add(line.split(' ')[1] ?? '');
    }
    const all = [...(await readEverything(backend, folder)).values()].map(({ envelope }) => envelope);
    const bounced = all.filter(({ source }) => source === 'DSN').map(({ subject }) => subject);
    const left = all.filter(({ source }) => source !== 'DSN').map(({ networkMessageId }) => networkMessageId);
    expect(settled.size).toBeGreaterThan(rounds);
    expect(bounced.filter((id) => settled.has(id)).toSorted()).toEqual([...settled].toSorted());
    expect([...bounced, ...left].toSorted()).toEqual([...originals].toSorted());
  });

  // A database has nothing of the kind: what is in it is whole.
  it.runIf(isEmbedded)(
    'while it recovers, 6 times from the same wreck, still recovers everything',
    {
      timeout: 360_000,
    },
    async () => {
      const acknowledged = await fillAndKill(backend, folder);
      for (let index = 0; index < 300; index += 1) {
        writeFileSync(join(folder, 'spool', 'bodies', `${String(index).padStart(32, '0')}.part`), 'left over');
        writeFileSync(join(folder, 'spool', 'bodies', `foreign-${index}`), 'not ours');
      }
      let killedInside = 0;
      for (let round = 0; round < 6; round += 1) {
        const wreck = makeFolder();
        cpSync(folder, wreck, { recursive: true });
        const child = startSpoolProcess([backend.name, wreck, 'open']);
        await child.waitFor('starting');
        await delay(randomInt(50));
        await child.kill();
        if (!child.lines.includes('open')) killedInside += 1;
        const found = await readEverything(backend, wreck);
        for (const [, id, , digest] of acknowledged) expect(found.get(Number(id))?.envelope.subject).toBe(digest);
        removeFolder(wreck);
      }
      expect(killedInside).toBeGreaterThan(0);
    },
  );
});
