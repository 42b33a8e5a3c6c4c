// What docker/lab failover counts (docker/failover/count.awk), from letters and mailboxes that are written here.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Ran } from '../../helpers/pair.ts';
import { runProgram } from '../../helpers/program.ts';

const PROGRAM = new URL('../../../docker/failover/count.awk', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'relaypair-count-'));
afterAll(() => rmSync(folder, { recursive: true }));

const STEPS = ['nobody 1000.0 -', 'hub 1010.0 1015.0'];
const LETTERS = [
  '1 hub 1001.0 1001.1 accepted',
  '2 edge 1001.0 1001.1 accepted',
  '3 hub 1012.0 1012.1 accepted',
  '4 hub 1016.0 1019.0 000',
  '5 hub2 1016.0 1016.1 accepted',
  '6 edge 1016.0 1016.2 452',
  '7 edge 1017.0 1017.1 accepted',
];
/** As grep finds them: Postfix and Dovecot name a file for the second and, after an M, for the microsecond. */
const inside = (number: number, moment: string): string =>
  `/var/mail/inside/failover/new/${moment.replace('.', '.M')}P9.mailbox.corp.test,S=500,W=512:Message-ID: <1-in-${number}@console.test>`;
const outside = (number: number, moment: string): string =>
  `/var/mail/outside/inbox/new/${moment.replace('.', '.V801I2fM')}.mx.fabrikam.test:Message-ID: <1-out-${number}@console.test>`;
const ARRIVALS = [
  outside(1, '1001.250000'),
  inside(2, '1001.500000'),
  outside(3, '1027.0'),
  outside(5, '1016.500000'),
  inside(7, '1018.250000'),
];

/** The rest of each line of the table, by its first word. */
const rowsOf = ({ stdout }: Ran): Record<string, string> =>
  Object.fromEntries(
    stdout.split('\n').map((line) => {
      const [name = '', ...columns] = line.split(/ {2,}/);
      return [name, columns.join(' ')];
    }),
  );

interface Found {
  readonly letters?: readonly string[];
  readonly arrivals?: readonly string[];
}

/** What awk says, asked as docker/failover/scenario asks it. */
function count(
  show: string,
  { letters = LETTERS, arrivals = ARRIVALS }: Found = {},
  values: string[] = [],
): Promise<Ran> {
  const files = Object.entries({ steps: STEPS, arrivals, letters }).map(([name, lines]) => {
    writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(''));
    return join(folder, name);
  });
  const words = [`show=${show}`, ...values].flatMap((value) => ['-v', value]);
  return runProgram('awk', [...words, '-f', PROGRAM, ...files]);
}

describe('the count of docker/lab failover', () => {
  it('says of each step what became of its letters, and how long it took', async () => {
    const ran = await count('table');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(rowsOf(ran)).toMatchObject({
      nobody: '2 2 0 0 0 2 0 0 0.5 s',
      hub: '5 3 1 0 1 3 0 0 3.2 s 15.0 s',
      together: '7 5 1 0 1 5 0 0 ',
    });
    expect(ran.stdout).toContain('Verdict: 0 lost of 5 that were accepted; 0 doubled.');
  });

  it('takes a letter that was accepted and is not there for lost, and ends with 1', async () => {
    const ran = await count('table', { arrivals: ARRIVALS.filter((line) => !line.includes('-out-3@')) });
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain('Verdict: 1 lost of 5 that were accepted; 0 doubled.');
  });

  it('counts a letter once that came twice, and says so', async () => {
    const ran = await count('table', { arrivals: [...ARRIVALS, outside(3, '1029.0')] });
    expect(ran.code).toBe(0);
    expect(rowsOf(ran)).toMatchObject({ hub: '5 3 1 0 1 3 0 1 3.2 s 15.0 s' });
    expect(ran.stdout).toContain('Verdict: 0 lost of 5 that were accepted; 1 doubled.');
  });

  it('ends with 1 when a letter was refused for good', async () => {
    const ran = await count('table', { letters: [...LETTERS, '8 hub 1018.0 1018.1 550'] });
    expect(ran.code).toBe(1);
    expect(rowsOf(ran)).toMatchObject({ hub: '6 3 1 1 1 3 0 0 3.2 s 15.0 s' });
  });

  it('says that mail never flowed again when it did so one way alone', async () => {
    const ran = await count('table', { arrivals: ARRIVALS.filter((line) => !line.includes('-in-7@')) });
    expect(rowsOf(ran)['hub']).toContain('never');
  });

  it.each([
    ['mail flows, once letters since the kill have arrived both ways', 'flowing', [], '-in-7@'],
    ['all has arrived, once nothing that was accepted is missing', 'settled', [], '-out-3@'],
    ['all of a time has arrived', 'settled', ['until=1013'], '-out-3@'],
    ['a server takes mail again', 'taking', ['server=hub2', 'since=1015.5'], '-out-5@'],
  ])('says whether %s', async (_, show, values, missing) => {
    expect((await count(show, {}, values)).code).toBe(0);
    expect((await count(show, { arrivals: ARRIVALS.filter((line) => !line.includes(missing)) }, values)).code).toBe(1);
  });

  it('does not wait for letters of a later time', async () => {
    const arrivals = ARRIVALS.filter((line) => !line.includes('-out-3@'));
    expect((await count('settled', { arrivals }, ['until=1010'])).code).toBe(0);
  });

  it('tells the last step in words', async () => {
    const { stdout } = await count('step');
    expect(stdout).toBe(
      'Of 5 letters 3 were accepted, 1 refused for now, 0 refused for good, and 1 got no answer; 3 arrived, 0 of them twice or more.\n' +
        'Mail flowed again after 3.2 s. The letter that was longest under way took 15.0 s.\n',
    );
  });

  it('counts before anything has arrived', async () => {
    expect((await count('settled', { arrivals: [] })).code).toBe(1);
    expect((await count('settled', { arrivals: [], letters: [] })).code).toBe(0);
  });
});
