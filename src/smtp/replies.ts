// Every reply that this server can send, in one table: code (RFC 5321 §4.2.3), enhanced code (RFC 3463, RFC 5248) and text in
// Exchange's words where Exchange has some. Greeting and EHLO carry no enhanced code (RFC 2034 §3). Pure data: the listener
// picks the protocol's replies, transport/ those of its rules.

import type { Reply } from './reply.ts';

function reply(code: number, enhanced: string, text: string): Reply {
  return { code, enhanced, text };
}

/** The table. Names say the situation, not the code. */
export const REPLIES = {
  // The session.
  serviceReady: reply(220, '', 'SMTP service ready'),
  hello: reply(250, '', 'Hello'),
  helloSyntax: reply(501, '', 'Syntax: EHLO hostname'),
  closing: reply(221, '2.0.0', 'Service closing transmission channel'),
  ok: reply(250, '2.0.0', 'OK'),
  resetDone: reply(250, '2.0.0', 'Resetting'),
  help: reply(214, '2.0.0', 'Commands: EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP'),
  cannotVerify: reply(252, '2.1.5', 'Cannot VRFY user'),
  connectionRefused: reply(554, '5.7.1', 'Connection refused'),
  tooManyConnections: reply(
    421,
    '4.3.2',
    'The maximum number of concurrent server connections has exceeded a limit, closing transmission channel',
  ),
  tooManyFromSource: reply(
    421,
    '4.3.2',
    'The maximum number of concurrent connections has exceeded a limit, closing transmission channel',
  ),
  makingRoom: reply(421, '4.3.2', 'Server busy, closing a connection that made no progress'),
  notAccepting: reply(421, '4.3.2', 'System not accepting network messages'),
  shuttingDown: reply(421, '4.3.2', 'Service shutting down and closing transmission channel'),
  spokeTooSoon: reply(554, '5.5.1', 'Data received before the greeting'),
  inputTimeout: reply(421, '4.4.2', 'Timeout waiting for client input'),
  connectionTimeout: reply(421, '4.4.2', 'Connection time limit reached'),
  connectionDropped: reply(421, '4.4.2', 'Connection dropped'),
  tooManyErrors: reply(421, '4.7.0', 'Too many errors on this connection, closing transmission channel'),
  tooManyMessages: reply(421, '4.7.0', 'Too many messages on this connection, closing transmission channel'),
  messageRate: reply(421, '4.4.2', 'Message submission rate for this client has exceeded the configured limit'),
  localError: reply(451, '4.3.0', 'Temporary server error. Please try again later'),

  // Commands.
  unrecognized: reply(500, '5.5.1', 'Unrecognized command'),
  lineTooLong: reply(500, '5.5.2', 'Line too long'),
  badCharacters: reply(500, '5.5.2', 'Invalid character in command'),
  bareLineFeed: reply(500, '5.5.2', 'Lines must end in CRLF'),
  notImplemented: reply(502, '5.5.1', 'Command not implemented'),
  badSequence: reply(503, '5.5.1', 'Bad sequence of commands'),
  sendHello: reply(503, '5.5.1', 'Send hello first'),
  noParameters: reply(501, '5.5.4', 'Command takes no parameters'),
  parameterNeeded: reply(501, '5.5.4', 'Command needs a parameter'),
  notSmtp: reply(554, '5.5.1', 'This is an SMTP server'),

  // XCLIENT (Postfix).
  xclientSyntax: reply(501, '5.5.4', 'Bad XCLIENT attribute'),

  // STARTTLS (RFC 3207).
  startTlsReady: reply(220, '2.0.0', 'SMTP server ready'),
  startTlsNotOffered: reply(502, '5.5.1', 'STARTTLS is not offered'),
  startTlsUnavailable: reply(454, '4.7.0', 'TLS not available due to temporary reason'),
  tlsActive: reply(503, '5.5.1', 'TLS already active'),
  tlsRequired: reply(530, '5.7.0', 'Must issue a STARTTLS command first'),

  // AUTH (RFC 4954).
  authenticated: reply(235, '2.7.0', 'Authentication successful'),
  authChallenge: reply(334, '', ''),
  authNotOffered: reply(502, '5.5.1', 'AUTH is not offered'),
  authCancelled: reply(501, '5.7.0', 'Authentication cancelled'),
  authBase64: reply(501, '5.5.2', 'Cannot decode response'),
  authMechanism: reply(504, '5.5.4', 'Unrecognized authentication type'),
  authEncryptionRequired: reply(538, '5.7.11', 'Encryption required for requested authentication mechanism'),
  authFailed: reply(535, '5.7.8', 'Authentication unsuccessful'),
  authTemporary: reply(454, '4.7.0', 'Temporary authentication failure'),
  authTooMany: reply(421, '4.7.0', 'Too many authentication failures'),
  proofLapsed: reply(421, '4.7.0', 'What this client proved holds no longer, closing transmission channel'),
  authRequired: reply(530, '5.7.1', 'Client was not authenticated'),

  // MAIL and RCPT.
  senderOk: reply(250, '2.1.0', 'Sender OK'),
  recipientOk: reply(250, '2.1.5', 'Recipient OK'),
  mailSyntax: reply(501, '5.5.4', 'Syntax: MAIL FROM:<address>'),
  recipientSyntax: reply(501, '5.5.4', 'Syntax: RCPT TO:<address>'),
  senderAddressSyntax: reply(501, '5.1.7', 'Invalid sender address'),
  recipientAddressSyntax: reply(501, '5.1.3', 'Invalid recipient address'),
  utf8Needed: reply(553, '5.6.7', 'Non-ASCII address needs SMTPUTF8'),
  parameterUnknown: reply(555, '5.5.4', 'Unsupported option'),
  parameterMalformed: reply(501, '5.5.4', 'Invalid arguments'),
  parameterDoubled: reply(501, '5.5.4', 'Parameter given twice'),
  senderFirst: reply(503, '5.5.1', 'Need MAIL command first'),
  nestedMail: reply(503, '5.5.1', 'Sender already specified'),
  tooManyRecipients: reply(452, '4.5.3', 'Too many recipients'),
  recipientRate: reply(452, '4.7.1', 'Recipient rate for this client has exceeded the configured limit'),
  senderDenied: reply(550, '5.7.60', 'Client does not have permissions to send as this sender'),
  anonymousSenderDenied: reply(550, '5.7.1', 'Anonymous client does not have permission to send as this sender'),
  domainUnproven: reply(451, '4.7.5', 'Mail from this domain needs TLS with a certificate that proves the domain'),
  relayDenied: reply(550, '5.7.1', 'Unable to relay'),
  recipientLookup: reply(451, '4.4.3', 'Recipient lookup failed. Please try again later'),
  userUnknown: reply(550, '5.1.1', 'User unknown'),
  insufficientResources: reply(452, '4.3.1', 'Insufficient system resources'),

  // DATA.
  startMailInput: reply(354, '', 'Start mail input; end with <CRLF>.<CRLF>'),
  chunkReceived: reply(250, '2.0.0', 'octets received'),
  chunkSyntax: reply(501, '5.5.4', 'Syntax: BDAT size [LAST]'),
  chunkingNotOffered: reply(502, '5.5.1', 'BDAT is not offered'),
  binaryNeedsChunks: reply(503, '5.5.1', 'A BINARYMIME message is sent by BDAT'),
  recipientFirst: reply(503, '5.5.1', 'Need RCPT command first'),
  noValidRecipients: reply(554, '5.5.1', 'No valid recipients'),
  queued: reply(250, '2.6.0', 'Queued mail for delivery'),
  messageTooLarge: reply(552, '5.3.4', 'Message size exceeds fixed maximum message size'),
  headerTooLarge: reply(552, '5.3.4', 'Message header exceeds fixed maximum size'),
  bareLineEnding: reply(550, '5.6.11', 'Message contains bare CR or LF, lines must end in CRLF'),
  hiddenDot: reply(550, '5.6.0', 'Message has a line that begins with NUL and a dot'),
  mailLoop: reply(554, '5.4.6', 'Hop count exceeded - possible mail loop'),
} as const satisfies Record<string, Reply>;

/** The banner after "220 ". */
export function greetingReply(banner: string): Reply {
  return { ...REPLIES.serviceReady, text: banner };
}

/** The answer to EHLO: one line with our name and the client's address, then a line for each keyword. */
export function helloReply(fqdn: string, remoteAddress: string, keywords: readonly string[]): Reply {
  return { ...REPLIES.hello, text: [`${fqdn} Hello [${remoteAddress}]`, ...keywords].join('\n') };
}

/** A SASL challenge, in base64 as RFC 4954 §4 wants it. */
export function challengeReply(data: Buffer): Reply {
  return { ...REPLIES.authChallenge, text: data.toString('base64') };
}

/** Exchange's words for "the message is ours now": `250 2.6.0 <id> Queued mail for delivery`. */
export function queuedReply(messageId: string): Reply {
  return { ...REPLIES.queued, text: `${messageId} ${REPLIES.queued.text}` };
}
