// Get-MessageTrackingLog: what happened to messages on this server. Properties are Exchange's, the log's columns without
// their dashes; the last four are read out of CustomData, where the decision card's summary stands.

import { Problem } from '../problem.ts';
import { TRACKING_EVENT_IDS, TRACKING_SOURCES, type TrackingRecord } from '../tracking/tracking-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import { isSameId, nameChannel } from './get-decision-card.ts';
import type { OutputRecord } from './output.ts';
import { refuseOtherServer, SERVER } from './own-server.ts';
import { limitRecords, RESULT_SIZE, searchSize } from './result-size.ts';
import type { ServerContext } from './server-context.ts';

export const getMessageTrackingLog = defineCmdlet({
  name: 'Get-MessageTrackingLog',
  roles: ['hub', 'edge'],
  synopsis: 'Search the message tracking log of this server',
  description: 'Oldest first, unless -Newest is given. Get-DecisionCard tells more about how a message travelled.',
  examples: [
    'Get-MessageTrackingLog -Sender anna@contoso.com -EventId SEND',
    'Get-MessageTrackingLog -Newest 10',
    'Get-MessageTrackingLog -MessageId 1@contoso.com --list',
    'Get-MessageTrackingLog -Start "2027-12-24 20:00" -End 2027-12-25 -MessageSubject invoice',
  ],
  parameters: {
    Start: { type: 'date', help: 'From this moment on' },
    End: { type: 'date', help: 'Before this moment' },
    EventId: { type: 'enum', choices: TRACKING_EVENT_IDS, help: 'What happened' },
    Source: { type: 'enum', choices: TRACKING_SOURCES, help: 'The part of transport it happened in' },
    Sender: { type: 'string', help: "The sender's address" },
    Recipients: { type: 'strings', help: "Any one of these recipients' addresses" },
    MessageId: { type: 'string', help: 'The Message-ID, with or without angle brackets' },
    InternalMessageId: { type: 'string', help: 'The number of the message on this server' },
    NetworkMessageId: { type: 'string', help: 'The GUID that both servers know the message by' },
    MessageSubject: { type: 'string', help: 'A part of the subject' },
    Reference: { type: 'string', help: 'The Message-ID that a delivery status notification is about' },
    Newest: { type: 'integer', minimum: 1, help: 'So many of the last ones, the last first' },
    ResultSize: RESULT_SIZE,
    Server: SERVER,
  },
  table: ['Timestamp', 'EventId', 'Source', 'Sender', 'Recipients', 'MessageSubject'],
  changes: false,
  async run({ config, tracking }: ServerContext, parameters) {
    const { Start, End, EventId, Reference, Newest, ResultSize, Server } = parameters;
    refuseOtherServer(config, Server);
    if (Start && End && Start >= End)
      throw new Problem('bad-value', '-Start is not before -End, so nothing can be found');
    const records = await tracking.find({
      start: Start,
      // Exchange's End is exclusive, the search's is not, and dates have no smaller parts.
      end: End && new Date(End.getTime() - 1),
      // Only reports refer to another message. Asked for them alone, the search holds few records that are not wanted.
      eventId: EventId ?? (Reference === undefined ? undefined : 'DSN'),
      source: parameters.Source,
      sender: parameters.Sender,
      recipients: parameters.Recipients,
      messageId: parameters.MessageId,
      internalMessageId: parameters.InternalMessageId,
      networkMessageId: parameters.NetworkMessageId,
      messageSubject: parameters.MessageSubject,
      newestFirst: Newest !== undefined,
      resultSize:
        Reference === undefined
          ? Math.min(Newest ?? Number.POSITIVE_INFINITY, searchSize(ResultSize))
          : Number.POSITIVE_INFINITY,
    });
    const found = Reference === undefined ? records : records.filter((record) => refersTo(record, Reference));
    return limitRecords(found.slice(0, Newest).map(describeTracking), ResultSize);
  },
});

function refersTo({ reference }: TrackingRecord, messageId: string): boolean {
  return reference.some((id) => isSameId(messageId, id));
}

/** The properties in the order of the columns. */
export function describeTracking(record: TrackingRecord): OutputRecord {
  return {
    Timestamp: record.timestamp,
    ClientIp: record.clientIp,
    ClientHostname: record.clientHostname,
    ServerIp: record.serverIp,
    ServerHostname: record.serverHostname,
    SourceContext: record.sourceContext,
    ConnectorId: record.connectorId,
    Source: record.source,
    EventId: record.eventId,
    InternalMessageId: record.internalMessageId,
    MessageId: record.messageId,
    NetworkMessageId: record.networkMessageId,
    Recipients: record.recipients,
    RecipientStatus: record.recipientStatus,
    TotalBytes: record.totalBytes ?? null,
    RecipientCount: record.recipientCount,
    RelatedRecipientAddress: record.relatedRecipientAddress,
    Reference: record.reference,
    MessageSubject: record.messageSubject,
    Sender: record.sender,
    ReturnPath: record.returnPath,
    MessageInfo: record.messageInfo,
    CustomData: record.customData,
    ...describeCustomData(record.customData),
  };
}

/** The four values that people ask for; null where the record has no card. */
function describeCustomData(customData: string): OutputRecord {
  const summary = parseSummary(customData);
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  const channel = summary['channel'];
  return {
    Channel: channel === 'tls' || channel === 'plaintext' || channel === 'none' ? nameChannel(channel) : null,
    Reason: text(summary['reason']),
    Protection: text(summary['protection']),
    TlsVersion: text(summary['version']),
  };
}

function parseSummary(customData: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(customData);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
