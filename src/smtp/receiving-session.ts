// The server's side of the conversation (RFC 5321 §4.1), one object per connection. States and exits:
//   connected -EHLO/HELO-> greeted -MAIL-> transaction -DATA-> body -final dot-> greeted; RSET and EHLO lead back to greeted;
//   transaction -BDAT-> between chunks -BDAT LAST-> greeted (RFC 3030); a chunk that is refused ends the transaction;
//   STARTTLS and X-ANONYMOUSTLS lead to connected with everything forgotten (RFC 3207 §4.2); AUTH stays in greeted; QUIT and 421 end.
// Octets, sockets and timers are the Wire's (listener-connection.ts), decisions the policy's.

import type { Log } from '../log.ts';
import type { TlsSession } from '../tls/tls-session.ts';
import { mailboxKey } from './address.ts';
import { parseAuthCommand } from './auth-command.ts';
import { AuthenticationExchange, type AuthenticationStep } from './authentication-exchange.ts';
import { BodyDialog, type BodyTransaction, type BodyWire } from './body-dialog.ts';
import { parseChunkCommand } from './chunk-command.ts';
import { type CommandLine, parseCommandLine } from './command-line.ts';
import { ehloKeywords, offersBinary, offersRequireTls } from './ehlo-keywords.ts';
import { parseMailCommand, parseRecipientCommand } from './envelope-command.ts';
import type { OfferedParameters } from './parameters.ts';
import { greetingReply, helloReply, REPLIES } from './replies.ts';
import { isPositive, type Reply } from './reply.ts';
import type { Offer, RecipientCommand, ServerIdentity, SessionPolicy, SmtpSession } from './session-policy.ts';
import { offersTls, refuseTlsVerb, type TlsVerb } from './tls-verb.ts';

/** What the conversation needs of the connection. After `hangUp` everything else does nothing. */
export interface Wire extends BodyWire {
  /** Begins the handshake; ends in `secured` or `handshakeFailed`. */
  startTls(fallback: ServerIdentity, forName: (servername: string) => ServerIdentity | undefined): void;
}

export interface ReceivingOptions {
  readonly policy: SessionPolicy;
  readonly fqdn: string;
  readonly log: Log;
  readonly maxRecipients: number;
  readonly maxErrors: number;
  readonly maxAuthFailures: number;
  /** Whether there are more connections than may be. */
  readonly isFull: () => boolean;
}

type Endpoints = Pick<
  SmtpSession,
  'id' | 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort' | 'service' | 'capture'
>;
type Facts = { -readonly [K in keyof SmtpSession]: SmtpSession[K] };
type Answer = Reply | undefined;

interface OpenTransaction extends BodyTransaction {
  readonly recipients: RecipientCommand[];
  hasRefusedRecipient: boolean;
}

const PROTOCOL_ERRORS: ReadonlySet<number> = new Set([500, 501, 502, 503, 504, 555]);

export class ReceivingSession {
  readonly #wire: Wire;
  readonly #options: ReceivingOptions;
  readonly #policy: SessionPolicy;
  readonly #facts: Facts;
  readonly #exchange: AuthenticationExchange;
  readonly #bodies: BodyDialog;
  #offer: Offer | undefined;
  #transaction: OpenTransaction | undefined;
  #errorCount = 0;
  /** Whether the policy knows of the session. */
  #isAnnounced = false;
  #isBusy = false;
  #isStopping = false;

  readonly #commands: Readonly<Record<string, (line: CommandLine) => Answer | Promise<Answer>>> = {
    EHLO: (line) => this.#hello(line, true),
    HELO: (line) => this.#hello(line, false),
    STARTTLS: (line) => this.#startTls(line, 'STARTTLS'),
    'X-ANONYMOUSTLS': (line) => this.#startTls(line, 'X-ANONYMOUSTLS'),
    AUTH: (line) => this.#authenticate(line),
    MAIL: (line) => this.#mail(line),
    RCPT: (line) => this.#recipient(line),
    DATA: (line) => this.#data(line),
    BDAT: (line) => this.#chunk(line),
    RSET: (line) => this.#reset(line),
    NOOP: () => REPLIES.ok,
    QUIT: (line) => (line.argument === '' ? this.#end(REPLIES.closing) : REPLIES.noParameters),
    VRFY: (line) => (line.argument === '' ? REPLIES.parameterNeeded : REPLIES.cannotVerify),
    EXPN: () => REPLIES.notImplemented,
    HELP: () => REPLIES.help,
  };

  constructor(wire: Wire, endpoints: Endpoints, options: ReceivingOptions) {
    this.#wire = wire;
    this.#options = options;
    this.#policy = options.policy;
    this.#exchange = new AuthenticationExchange(options.maxAuthFailures, options.log);
    this.#bodies = new BodyDialog({
      wire,
      log: options.log,
      limitBytes: () => this.#offer?.sizeLimitBytes,
      take: async (transaction, body) => this.#policy.data(this.#facts, transaction, body),
      answer: (reply) => this.#answer(reply),
      ended: (reply) => this.#bodyEnded(reply),
      idle: () => this.#stopWhenIdle(),
    });
    this.#facts = {
      ...endpoints,
      helo: undefined,
      extended: false,
      tls: undefined,
      authentication: undefined,
      startTlsOffered: false,
      tlsVerb: undefined,
    };
  }

  /** What the policy sees. */
  get facts(): SmtpSession {
    return this.#facts;
  }

  /** Asks whether the client is welcome: the greeting, or the reply to refuse it with. */
  async connect(): Promise<{ welcome: boolean; reply: Reply }> {
    if (this.#options.isFull()) return { welcome: false, reply: REPLIES.tooManyConnections };
    this.#isAnnounced = true;
    try {
      const refusal = await this.#policy.connect(this.#facts);
      if (refusal) return { welcome: false, reply: refusal };
      return { welcome: true, reply: greetingReply(this.#policy.banner(this.#facts)) };
    } catch (error) {
      this.#options.log.error({ err: error }, 'policy failed at connect');
      return { welcome: false, reply: REPLIES.notAccepting };
    }
  }

  /** Begins TLS before the greeting; false when there is nothing to show the client. Never throws. */
  beginTls(): boolean {
    try {
      return this.#beginHandshake('STARTTLS', () => undefined);
    } catch (error) {
      this.#options.log.error({ err: error }, 'policy failed at secureContext');
      return false;
    }
  }

  /** Takes one line. Resolves when it is answered, for DATA when the body may come. Never rejects. */
  async handle(line: Buffer): Promise<void> {
    this.#isBusy = true;
    try {
      const reply = await this.#execute(line);
      if (reply) this.#answer(reply);
    } catch (error) {
      this.#options.log.error({ err: error }, 'command failed');
      this.#wire.answer(REPLIES.localError);
    }
    this.#isBusy = false;
    this.#stopWhenIdle();
  }

  /** RFC 3207 §4.2: nothing that was said in clear counts any more. */
  secured(tls: TlsSession): void {
    this.#facts.tls = tls;
    this.#facts.helo = undefined;
    this.#facts.extended = false;
    this.#facts.authentication = undefined;
    this.#offer = undefined;
    this.#dropTransaction();
    this.#guard('secured', () => this.#policy.secured(this.#facts));
  }

  handshakeFailed(code: string): void {
    this.#guard('handshakeFailed', () => this.#policy.handshakeFailed(this.#facts, { code }));
  }

  closed(): void {
    if (!this.#isAnnounced) return;
    this.#isAnnounced = false;
    this.#guard('closed', () => this.#policy.closed(this.#facts));
  }

  /** Ends the session with 421 as soon as no transaction is open. */
  stop(): void {
    this.#isStopping = true;
    this.#stopWhenIdle();
  }

  #stopWhenIdle(): void {
    if (this.#isStopping && !this.#isBusy && !this.#transaction) this.#wire.hangUp(REPLIES.shuttingDown);
  }

  #execute(octets: Buffer): Answer | Promise<Answer> {
    const line = parseCommandLine(octets, this.#exchange.isExpectingLine);
    if (line.kind === 'refused') {
      this.#exchange.abandon();
      return line.isHostile ? this.#end(line.reply) : line.reply;
    }
    if (this.#exchange.isExpectingLine) return this.#noteStep(this.#exchange.takeLine(line.text));
    const command = Object.hasOwn(this.#commands, line.verb) ? this.#commands[line.verb] : undefined;
    return command ? command(line) : REPLIES.unrecognized;
  }

  #answer(reply: Reply): void {
    if (PROTOCOL_ERRORS.has(reply.code)) this.#errorCount += 1;
    if (this.#errorCount >= this.#options.maxErrors) return this.#wire.hangUp(REPLIES.tooManyErrors);
    if (reply.code === 421) return this.#wire.hangUp(reply);
    this.#wire.answer(reply);
  }

  #end(reply: Reply): undefined {
    this.#wire.hangUp(reply);
    return undefined;
  }

  #hello(line: CommandLine, extended: boolean): Reply {
    // RFC 5321 §4.1.4: the name is taken as it comes, a wrong one is no reason to refuse mail; it only must be fit to print.
    if (!/^[!-~]{1,255}$/.test(line.argument)) return REPLIES.helloSyntax;
    this.#dropTransaction();
    this.#facts.helo = line.argument;
    this.#facts.extended = extended;
    // Asked only now: what is offered may depend on who the client says it is.
    const offer = this.#policy.offer(this.#facts);
    this.#offer = offer;
    if (!this.#facts.tls) this.#facts.startTlsOffered = extended && offersTls(offer);
    return helloReply(this.#options.fqdn, this.#facts.remoteAddress, extended ? ehloKeywords(offer, this.#facts) : []);
  }

  #startTls(line: CommandLine, verb: TlsVerb): Answer {
    const { tls } = this.#facts;
    const refusal = refuseTlsVerb(verb, line.argument, this.#policy.offer(this.#facts), tls !== undefined);
    if (refusal) return refusal;
    const announce = () => {
      this.#facts.tlsVerb = verb;
      this.#wire.answer(REPLIES.startTlsReady);
    };
    return this.#beginHandshake(verb, announce) ? undefined : REPLIES.startTlsUnavailable;
  }

  #beginHandshake(verb: TlsVerb, announce: () => void): boolean {
    const fallback = this.#policy.secureContext(this.#facts, undefined, verb);
    if (!fallback) return false;
    announce();
    this.#wire.startTls(fallback, (servername) => this.#policy.secureContext(this.#facts, servername, verb));
    return true;
  }

  #authenticate(line: CommandLine): Answer | Promise<Answer> {
    if (this.#facts.helo === undefined) return REPLIES.sendHello;
    if (this.#facts.authentication || this.#transaction) return REPLIES.badSequence;
    const command = parseAuthCommand(line.argument, this.#policy.offer(this.#facts), this.#facts);
    if (command.kind === 'refused') return command.reply;
    const { mechanism, initialResponse } = command;
    return this.#noteStep(this.#exchange.begin(() => this.#policy.sasl(this.#facts, mechanism), initialResponse));
  }

  async #noteStep(pending: Promise<AuthenticationStep>): Promise<Reply> {
    const step = await pending;
    if (step.kind === 'reply') return step.reply;
    this.#facts.authentication = step.authentication;
    // Who it is may have changed what it may.
    this.#offer = this.#policy.offer(this.#facts);
    return REPLIES.authenticated;
  }

  async #mail(line: CommandLine): Promise<Answer> {
    if (this.#facts.helo === undefined) return REPLIES.sendHello;
    if (this.#transaction) return REPLIES.nestedMail;
    const parsed = parseMailCommand(line.argument, this.#offered(), this.#offer?.sizeLimitBytes);
    if (parsed.kind === 'refused') return parsed.reply;
    const reply = (await this.#policy.mail(this.#facts, parsed.value)) ?? REPLIES.senderOk;
    if (isPositive(reply)) this.#transaction = { mail: parsed.value, recipients: [], hasRefusedRecipient: false };
    return reply;
  }

  async #recipient(line: CommandLine): Promise<Answer> {
    const transaction = this.#transaction;
    if (!transaction) return this.#facts.helo === undefined ? REPLIES.sendHello : REPLIES.senderFirst;
    if (transaction.chunks) return REPLIES.badSequence;
    const reply = await this.#judgeRecipient(transaction, line);
    transaction.hasRefusedRecipient ||= !isPositive(reply);
    return reply;
  }

  async #judgeRecipient(transaction: OpenTransaction, line: CommandLine): Promise<Reply> {
    const { mail, recipients } = transaction;
    const parsed = parseRecipientCommand(line.argument, this.#offered(), mail);
    if (parsed.kind === 'refused') return parsed.reply;
    const key = mailboxKey(parsed.value.mailbox);
    const index = recipients.findIndex((known) => mailboxKey(known.mailbox) === key);
    if (index === -1 && recipients.length >= this.#options.maxRecipients) return REPLIES.tooManyRecipients;
    const reply = (await this.#policy.recipient(this.#facts, transaction, parsed.value)) ?? REPLIES.recipientOk;
    if (isPositive(reply)) recipients[index === -1 ? recipients.length : index] = parsed.value;
    return reply;
  }

  #offered(): OfferedParameters {
    const auth = (this.#offer?.mechanisms.length ?? 0) > 0 || this.#facts.authentication !== undefined;
    const requireTls = offersRequireTls(this.#offer, this.#facts);
    return { extended: this.#facts.extended, auth, binaryMime: offersBinary(this.#offer), requireTls };
  }

  #reset(line: CommandLine): Reply {
    if (line.argument !== '') return REPLIES.noParameters;
    this.#dropTransaction();
    return REPLIES.resetDone;
  }

  #data(line: CommandLine): Answer {
    const transaction = this.#transaction;
    if (line.argument !== '') return REPLIES.noParameters;
    const refusal = this.#refuseBody(transaction);
    if (refusal || !transaction) return refusal;
    if (transaction.chunks) return REPLIES.badSequence;
    if (transaction.mail.body === 'BINARYMIME') return REPLIES.binaryNeedsChunks;
    void this.#bodies.takeData(transaction);
    return undefined;
  }

  #refuseBody(transaction: OpenTransaction | undefined): Reply | undefined {
    if (!transaction) return this.#facts.helo === undefined ? REPLIES.sendHello : REPLIES.senderFirst;
    if (transaction.recipients.length > 0) return undefined;
    return transaction.hasRefusedRecipient ? REPLIES.noValidRecipients : REPLIES.recipientFirst;
  }

  /** When nobody can tell what follows, or was never asked to look at it, the octets of the chunk must not be read as commands. */
  #chunk(line: CommandLine): Answer | Promise<Answer> {
    if (!this.#facts.extended || this.#offer?.chunking !== true) return this.#end(REPLIES.chunkingNotOffered);
    const command = parseChunkCommand(line.argument);
    if (!command) return this.#end(REPLIES.chunkSyntax);
    const refusal = this.#refuseBody(this.#transaction);
    return this.#bodies.takeChunk(command, refusal ?? this.#transaction ?? REPLIES.badSequence);
  }

  #dropTransaction(): void {
    const chunks = this.#transaction?.chunks;
    this.#transaction = undefined;
    if (!chunks) return;
    chunks.abandon();
    this.#wire.dropChunks();
  }

  #bodyEnded(reply: Reply): void {
    if (isPositive(reply)) this.#errorCount = 0;
    this.#dropTransaction();
  }

  #guard(where: string, task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#options.log.error({ err: error }, `policy failed at ${where}`);
    }
  }
}
