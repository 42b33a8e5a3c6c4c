// The same random requests to our LDAP server and to OpenLDAP's slapd: the same result code, the same matched name, the same
// entries. Where slapd itself does otherwise than its RFC says, the difference stands in helpers/ldap-exceptions.ts with the
// section. The ordinary run asks the same each time, since a difference that is new needs somebody who reads RFCs; others are looked
// for by DIFFERENTIAL_SEED, and with more runs by DIFFERENTIAL_RUNS.

import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ResultCode } from '../../src/ldap/result.ts';
import { isProblem } from '../../src/problem.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { twinRequest, twinTransaction } from '../helpers/ldap-arbitraries.ts';
import { EXCEPTIONS, findException } from '../helpers/ldap-exceptions.ts';
import { placeRequest, printRequest } from '../helpers/ldap-requests.ts';
import { openTwins, type TwinAnswer, type TwinRequest, type Twins } from '../helpers/ldap-twins.ts';
import { requirePeer } from '../helpers/peers.ts';

const SUFFIX = 'CN=Configuration,DC=contoso,DC=test';
const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? 418_468_178);
const RUNS = Number(process.env['DIFFERENTIAL_RUNS'] ?? 200);
const TRANSACTION_RUNS = Math.ceil(RUNS / 16);

describe.skipIf(!requirePeer('slapd'))('our LDAP server and slapd', () => {
  let twins: Twins;
  let runs = 0;
  const seen = new Map<string, number>();
  let asked = 0;

  beforeAll(async () => {
    const keyPair = await createSelfSigned({ netbiosName: 'TWIN', fqdn: 'twin.test', notBefore: new Date() });
    twins = await openTwins(keyPair, SUFFIX);
    await prepare([SUFFIX]);
  });
  afterAll(async () => {
    await twins?.close();
    console.log(`differential: seed ${SEED}, ${asked} requests; let pass: ${JSON.stringify(Object.fromEntries(seen))}`);
  });

  /** A container for each run, so that none sees what another made. */
  function newBase(): string {
    runs += 1;
    return `CN=run${runs},${SUFFIX}`;
  }

  async function prepare(containers: readonly string[]): Promise<void> {
    for (const dn of containers) {
      const { ours, theirs } = await twins.ask(addContainer(dn));
      expect([dn, ours.resultCode, theirs.resultCode]).toEqual([dn, 0, 0]);
    }
  }

  /** Asks both and compares; false when they went apart for a known reason, so that nothing that follows can be compared. */
  async function compare(request: TwinRequest): Promise<boolean> {
    const { ours, theirs } = await twins.ask(request);
    asked += 1;
    if (isSame(ours, theirs)) return true;
    const exception = findException({ request, ours, theirs, suffix: SUFFIX });
    if (exception) {
      seen.set(exception.what, (seen.get(exception.what) ?? 0) + 1);
      return (ours.resultCode === 0) === (theirs.resultCode === 0);
    }
    const what = printRequest(request);
    expect({ what, ...ours }).toEqual({ what, ...theirs, diagnostic: ours.diagnostic });
    return true;
  }

  it(`answer alike in ${RUNS} random sequences`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(twinRequest, { minLength: 1, maxLength: 10 }), async (requests) => {
        const base = newBase();
        await prepare(startOf(base));
        for (const request of [...requests.map((one) => placeRequest(one, base)), everythingUnder(base)]) {
          if (!(await compare(request))) return;
        }
      }),
      { seed: SEED, numRuns: RUNS },
    );
  }, 360_000);

  it(`answer alike to ${TRANSACTION_RUNS} random transactions, and have the same tree afterwards`, async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(twinTransaction, async (transaction) => {
        // Each on a slapd of its own: 2.5.13 writes over its memory in transactions that fail, and dies some time later.
        await twins.renewTheirs();
        await twins.askTheirs(addContainer(SUFFIX));
        const base = newBase();
        await prepare(startOf(base));
        try {
          if (!(await compare(placeRequest(transaction, base)))) return;
          await compare(everythingUnder(base));
          compared += 1;
        } catch (error) {
          if (!isSlapdDead(error)) throw error;
        }
      }),
      { seed: SEED, numRuns: TRANSACTION_RUNS },
    );
    expect(compared).toBeGreaterThan(TRANSACTION_RUNS / 2);
  }, 360_000);

  it('differ in nothing that has no section of an RFC', () => {
    expect(EXCEPTIONS.filter(({ section }) => !/^RFC \d{4} (§|Appendix )/.test(section))).toEqual([]);
  });
});

function isSame(ours: TwinAnswer, theirs: TwinAnswer): boolean {
  return JSON.stringify(essenceOf(ours)) === JSON.stringify(essenceOf(theirs));
}

/** Which entries come before a size limit is not said anywhere (RFC 4511 §4.5.1.4): their number is compared. */
function essenceOf({ diagnostic: _text, entries, ...answer }: TwinAnswer): object {
  return { ...answer, entries: answer.resultCode === ResultCode.sizeLimitExceeded ? entries.length : entries };
}

function isSlapdDead(error: unknown): boolean {
  return isProblem(error) && error.code === 'ldap-unreachable' && error.message.startsWith('slapd ');
}

/** What each run begins with. */
function startOf(base: string): string[] {
  return [base, `CN=a,${base}`, `CN=b,CN=a,${base}`, `CN=c,${base}`];
}

function addContainer(dn: string): TwinRequest {
  const attributes = new Map([['objectClass', [Buffer.from('msExchContainer')]]]);
  return { kind: 'request', request: { kind: 'update', operation: { kind: 'add', dn, attributes } } };
}

function everythingUnder(base: string): TwinRequest {
  const filter = { kind: 'present', attribute: 'objectClass' } as const;
  const limits = { sizeLimit: 0, timeLimitSeconds: 0, typesOnly: false };
  return { kind: 'request', request: { kind: 'search', base, scope: 'sub', ...limits, filter, attributes: ['*'] } };
}
