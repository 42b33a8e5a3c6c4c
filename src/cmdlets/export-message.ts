// Export-Message: a message out of a queue, for a person to look at or to be sent again. What stands in its envelope goes in
// front as X- fields, as in a Replay folder of Exchange; behind them its octets are what they are in the spool.

import { Problem } from '../problem.ts';
import type { DamagedMessage, Envelope, SpooledMessage } from '../spool/spool.ts';
import { defineCmdlet } from './cmdlet.ts';
import { findPlaces, type Place } from './message-place.ts';
import type { CmdletOutput } from './output.ts';
import { refuseOtherServer, SERVER } from './own-server.ts';
import type { ServerContext } from './server-context.ts';

export const exportMessage = defineCmdlet({
  name: 'Export-Message',
  roles: ['hub', 'edge'],
  synopsis: 'Write a message of a queue into a file',
  description:
    'It stays in its queue. Without -Path it is printed. Sender and recipients stand in X-Sender and X-Receiver; the message begins after X-EndOfInjectedXHeaders. Of a damaged message what can be read is written, and a warning says so.',
  examples: [
    'Export-Message HUB01\\3\\17 -Path message.eml',
    'Export-Message 17 > message.eml',
    'Export-Message Poison\\21 -Path poison.eml -Force',
  ],
  parameters: {
    Identity: { type: 'string', required: true, help: 'The message: HUB01\\3\\17, 3\\17 or 17' },
    Path: { type: 'outputFile', help: 'The file to write; it is printed when absent' },
    Server: SERVER,
  },
  positional: ['Identity'],
  table: [],
  changes: false,
  async run(context: ServerContext, { Identity, Path, Server }): Promise<CmdletOutput> {
    refuseOtherServer(context.config, Server);
    const place = await findOne(context, Identity);
    const found = place.damaged
      ? await readDamaged(context, place.damaged)
      : await readGood(context, place.message ?? (await context.spool.get(place.id)), place);
    return {
      records: [],
      stream: { parameter: 'Path', content: found.content },
      ...(found.warning !== undefined && { warnings: [found.warning] }),
      ...(Path !== undefined && { notices: [`${Path} holds message ${place.id}.`] }),
    };
  },
});

interface Exported {
  readonly content: AsyncIterable<Buffer>;
  readonly warning?: string;
}

/** The first place: in each queue it is the same message, and what is exported names all who still wait for it. */
async function findOne(context: ServerContext, identity: string): Promise<Place> {
  for await (const place of findPlaces(context, { identity })) return place;
  throw gone(identity);
}

async function readGood(
  { spool }: ServerContext,
  message: SpooledMessage | undefined,
  { id }: Place,
): Promise<Exported> {
  if (!message) throw gone(String(id));
  const { envelope, recipients, traceFields } = message;
  const receivers = recipients.filter(({ status }) => status === 'pending').map(({ address }) => address);
  const prefix = [formatFields(envelope, receivers, traceFields.length + message.bodySizeBytes), traceFields];
  return { content: inFront(prefix, spool.openBody(message)) };
}

async function readDamaged({ spool }: ServerContext, { id, reason, envelope }: DamagedMessage): Promise<Exported> {
  const remains = await spool.salvage(id);
  if (!remains) throw new Problem('spool-damaged', `nothing of message ${id} can be read any more: ${reason}`);
  const receivers = envelope?.recipients.map(({ address }) => address) ?? [];
  const fields = envelope ? formatFields(envelope, receivers) : '';
  const mark = `X-Relaypair-Damaged: ${oneLine(reason)}\r\n`;
  const unknown = envelope ? '' : ', and its envelope is not known';
  return {
    content: inFront([mark, fields, remains.traceFields], remains.body),
    warning: `message ${id} is damaged (${reason}): what was written is not what was accepted${unknown}`,
  };
}

/** `sizeBytes`: of the message that follows; left out where that is not known. */
function formatFields(envelope: Envelope, receivers: readonly string[], sizeBytes?: number): string {
  const { reversePath, source, sourceAddress, messageId, networkMessageId, receivedAt, expiresAt } = envelope;
  const fields: [string, string | undefined][] = [
    ['X-Sender', `<${reversePath}>`],
    ...receivers.map((address): [string, string] => ['X-Receiver', `<${address}>`]),
    ['X-Source', source],
    ['X-SourceIPAddress', sourceAddress],
    ['X-Relaypair-Message-Id', messageId],
    ['X-Relaypair-Network-Message-Id', networkMessageId],
    ['X-Relaypair-Received', receivedAt.toISOString()],
    ['X-Relaypair-Expires', expiresAt.toISOString()],
    ['X-CreatedBy', 'relaypair'],
    ['X-EndOfInjectedXHeaders', sizeBytes === undefined ? '' : String(sizeBytes)],
  ];
  return fields.map(([name, value]) => (value === undefined ? '' : `${name}: ${oneLine(value)}\r\n`)).join('');
}

/** No text may end its field: what follows would be a field of somebody else's choice. */
function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ');
}

async function* inFront(prefix: readonly (string | Buffer)[], body: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  for (const part of prefix) yield typeof part === 'string' ? Buffer.from(part) : part;
  for await (const chunk of body) yield chunk as Buffer;
}

function gone(identity: string): Problem {
  return new Problem('message-not-found', `message "${identity}" has left its queue meanwhile`);
}
