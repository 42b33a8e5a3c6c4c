// Test-Failover: drains or kills a node on purpose under mail made for it, and reports what became of each message.

import { Problem } from '../problem.ts';
import type { SpoolNode } from '../spool/spool-nodes.ts';
import { defineCmdlet } from './cmdlet.ts';
import { formatFailoverPage } from './failover-page.ts';
import { describeFailover, judgeFailover } from './failover-record.ts';
import { testFailover } from './failover-test.ts';
import { chooseNode, isTakingMail, NODE_IDENTITY, requireNodes } from './node-record.ts';
import type { CmdletOutput } from './output.ts';
import type { ServerContext } from './server-context.ts';

export const testFailoverCmdlet = defineCmdlet({
  name: 'Test-Failover',
  roles: ['hub', 'edge'],
  synopsis: 'Drain or kill a node on purpose, under mail made for it, and count what becomes of that',
  description:
    'Every node of the spool takes in mail of the test, about twenty messages a second, which ends nowhere but in a count in the database. The node is drained, and let in again; with -Kill its process ends as if it had lost its power, and whoever looks after it has to start it again. Steps: Before, Loaded (the node holds mail), During (it is being drained, or dead, and the others go on), Over (it holds nothing any more), After, Back, End. It succeeds when every message that was accepted was delivered. Real mail shares the fate of the node, as in a real failure.',
  examples: ['Test-Failover HUB02 -Confirm', 'Test-Failover HUB02 -Kill -Confirm -Report failover.html'],
  parameters: {
    Identity: { ...NODE_IDENTITY, required: true },
    Kill: { type: 'switch', help: 'End its process without a word; the default is to drain it' },
    Timeout: { type: 'duration', default: '5m', help: 'Longest time that one step may take' },
    Report: { type: 'outputFile', help: 'A file to write the report to, in HTML' },
    Confirm: { type: 'switch', help: 'That it is meant: without it nothing is done' },
  },
  positional: ['Identity'],
  table: ['Step', 'Time', 'Node', 'State', 'Accepted', 'Delivered', 'Held', 'Waiting', 'Duplicated', 'Lost'],
  changes: true,
  async run(context: ServerContext, { Identity, Kill, Timeout, Report, Confirm }, call): Promise<CmdletOutput> {
    const nodes = requireNodes(context, 'Test-Failover');
    const victim = await chooseNode(nodes, Identity);
    if (!Confirm) {
      const fate = Kill ? 'kills the process of' : 'takes mail away from';
      throw new Problem('confirmation-needed', `Test-Failover ${fate} ${victim.name}: add -Confirm if that is meant`);
    }
    refuseUseless(victim, await nodes.list(), Kill);
    const { clock, config } = context;
    const by = config.netbiosName;
    const result = await testFailover({ nodes, clock, victim, isKill: Kill, by, limitMs: Timeout, call });
    const verdict = judgeFailover(result, victim.name);
    return {
      records: describeFailover(result),
      ...verdict,
      ...(Report !== undefined && {
        files: [
          { parameter: 'Report', content: formatFailoverPage({ result, verdict, victim: victim.name, isKill: Kill }) },
        ],
      }),
    };
  },
});

/** Problems `node-not-up`, `node-alone`, and `bad-value` where the node would kill the one that counts. */
function refuseUseless(victim: SpoolNode, nodes: readonly SpoolNode[], isKill: boolean): void {
  const { name } = victim;
  if (!isTakingMail(victim)) throw new Problem('node-not-up', `${name} takes no mail now: Get-Node says why`);
  if (!nodes.some((node) => isTakingMail(node) && node.server !== victim.server))
    throw new Problem('node-alone', `no node but ${name} takes mail now: nobody could take over from it`);
  if (isKill && victim.isSelf)
    throw new Problem('bad-value', `${name} is the node that was asked, and could not tell: ask another one`);
}
