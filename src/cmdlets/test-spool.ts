// Test-Spool: whether everything in the spool is what was accepted. In the running server it reads every message in slices, and
// what is damaged is set aside at once; with -Offline it looks at the spool of a server that is stopped, and -Repair puts right
// what can be put right.

import { Problem } from '../problem.ts';
import { findSpoolBackend } from '../spool/backends.ts';
import { checkMessages } from '../spool/spool-check.ts';
import { setAsideFinding } from '../spool/spool-findings.ts';
import { spoolOptions } from '../spool/spool-settings.ts';
import type { SpoolFinding, SpoolReport } from '../spool/spool.ts';
import { type CmdletCall, defineCmdlet, type OfflineContext } from './cmdlet.ts';
import type { CmdletOutput, OutputRecord } from './output.ts';
import { refuseOtherServer, SERVER } from './own-server.ts';
import type { BoundParameters } from './parameters.ts';
import type { ServerContext } from './server-context.ts';

export const testSpool = defineCmdlet({
  name: 'Test-Spool',
  roles: ['hub', 'edge'],
  synopsis: 'Check every message of the spool, octet by octet',
  description:
    'A damaged message is set aside in the queue Poison and never sent; the others go on. With -Offline the server must be stopped; -Repair then sets damaged messages aside, removes bodies without a message, and makes a damaged database anew out of what can be read. The old one is kept beside it. It can be stopped at any moment and run again.',
  examples: ['Test-Spool', 'Test-Spool -Offline', 'Test-Spool -Offline -Repair'],
  parameters: {
    Offline: { type: 'switch', help: 'Look at the spool of a server that is stopped' },
    Repair: { type: 'switch', help: 'With -Offline: put right what can be put right' },
    Server: SERVER,
  },
  table: ['Entry', 'Kind', 'Reason', 'Action'],
  changes: false,
  offline: {
    isWanted: ({ Offline }) => Offline === true,
    run: examine,
  },
  async run({ config, spool }: ServerContext, { Offline, Repair, Server }, call): Promise<CmdletOutput> {
    refuseOtherServer(config, Server);
    if (Offline || Repair)
      throw new Problem('parameter-conflict', '-Repair needs -Offline, and a server that is stopped');
    const checked = await checkMessages(spool, { signal: call.signal, onProgress: progressOf(call) });
    const damaged = await spool.listDamaged();
    const files = await spool.inspectFiles();
    return describeReport({
      ...checked,
      findings: [...damaged.map(setAsideFinding), ...files],
    });
  },
});

async function examine(
  { config, clock, log }: OfflineContext,
  { Repair, Server }: BoundParameters,
  call: CmdletCall,
): Promise<CmdletOutput> {
  refuseOtherServer(config, typeof Server === 'string' ? Server : undefined);
  const watch = { signal: call.signal, onProgress: progressOf(call) };
  const options = spoolOptions({ config, log, clock });
  const backend = findSpoolBackend(config.spool.backend);
  return describeReport(await backend.examine({ ...options, repair: Repair === true, ...watch }));
}

function progressOf(call: CmdletCall): (checked: { messages: number }) => void {
  return ({ messages }) => call.progress(`${messages.toLocaleString('en-US')} messages read`);
}

/** What is damaged and still in its place is a failure; what was put right, or set aside, is told of. */
function describeReport({ messages, bytes, findings }: SpoolReport): CmdletOutput {
  const open = findings.filter(({ action }) => action === undefined);
  const [read, octets] = [messages, bytes].map((value) => value.toLocaleString('en-US'));
  const notice = `${read} messages with ${octets} octets are whole; ${countFindings(findings.length)}.`;
  return {
    records: findings.map(describeFinding),
    notices: [notice],
    ...(open.length > 0 && {
      failures: [
        `${countFindings(open.length)} nothing was done about: stop the server and run Test-Spool -Offline -Repair`,
      ],
    }),
  };
}

function countFindings(count: number): string {
  return count === 1 ? '1 finding' : `${count === 0 ? 'no' : count} findings`;
}

function describeFinding({ entry, kind, reason, action }: SpoolFinding): OutputRecord {
  return { Entry: entry, Kind: kind, Reason: reason, Action: action ?? null };
}
