// The server's side of the conversation (RFC 5321 §4.1), one object per connection. States and exits:
//   connected -EHLO/HELO-> greeted -MAIL-> transaction -DATA-> body -final dot-> greeted; RSET and EHLO lead back to greeted;
//   transaction -BDAT-> between chunks -BDAT LAST-> greeted (RFC 3030); a chunk that is refused ends the transaction;
//   STARTTLS and X-ANONYMOUSTLS lead to connected with everything forgotten (RFC 3207 §4.2); AUTH stays in greeted; QUIT and 421 end.
// Octets, sockets and timers are the Wire's (listener-connection.ts), decisions the policy's.

import type { Log } from '../log.ts';
import type { TlsSession } from '../tls/tls-session.ts';
import { parseAuthCommand } from './auth-command.ts';
import { AuthenticationExchange, type AuthenticationStep } from './authentication-exchange.ts';
import { BodyDialog, type BodyWire } from './body-dialog.ts';
import { parseChunkCommand } from './chunk-command.ts';
import { type CommandLine, parseCommandLine } from './command-line.ts';
import { ehloKeywords, offeredParameters } from './ehlo-keywords.ts';
import { parseMailCommand, parseRecipientCommand } from './envelope-command.ts';
import { Forbearance } from './forbearance.ts';
import type { LimitChanges, ListenerLimits } from './listener-limits.ts';
import { OpenTransaction } from './open-transaction.ts';
import { greetingReply, helloReply, REPLIES } from './replies.ts';
import { isPositive, type Reply, withoutEnhancedCode } from './reply.ts';
import { beginFacts, forgetGreeting, type SessionEndpoints, type SessionFacts, speakFor } from './session-facts.ts';
import type { Offer, ServerIdentity, SessionPolicy } from './session-policy.ts';
import { offersTls, refuseTlsVerb, type TlsVerb } from './tls-verb.ts';
import { parseXclient } from './xclient.ts';

/** What the conversation needs of the connection. After `hangUp` everything else does nothing. */
export interface Wire extends BodyWire {
  /** Begins the handshake; ends in `secured` or `handshakeFailed`. */
  startTls(fallback: ServerIdentity, forName: (servername: string) => ServerIdentity | undefined): void;
  /** What this session is allowed from now on. */
  changeLimits(changes: LimitChanges): void;
  /** As `hangUp`, and waits for nothing. */
  cutOff(reply: Reply): void;
}

export interface ReceivingOptions {
  readonly policy: SessionPolicy;
  readonly fqdn: string;
  readonly log: Log;
  /** Asked at each use. */
  readonly limits: () => ListenerLimits;
  /** Whether this client may say for whom it speaks (XCLIENT). */
  readonly mayClaim: boolean;
}

type Answer = Reply | undefined;

export class ReceivingSession {
  readonly #wire: Wire;
  readonly #options: ReceivingOptions;
  readonly #policy: SessionPolicy;
  readonly #facts: SessionFacts;
  readonly #exchange: AuthenticationExchange;
  readonly #bodies: BodyDialog;
  readonly #forbearance = new Forbearance();
  #offer: Offer | undefined;
  #transaction: OpenTransaction | undefined;
  #mailCount = 0;
  /** Whether the policy knows of the session. */
  #isAnnounced = false;
  #isBusy = false;
  /** Set once the session is to end. */
  #farewell: Reply | undefined;

  readonly #commands: Readonly<Record<string, (line: CommandLine) => Answer | Promise<Answer>>> = {
    EHLO: (line) => this.#hello(line, true),
    HELO: (line) => this.#hello(line, false),
    STARTTLS: (line) => this.#startTls(line, 'STARTTLS'),
    'X-ANONYMOUSTLS': (line) => this.#startTls(line, 'X-ANONYMOUSTLS'),
    AUTH: (line) => this.#authenticate(line),
    XCLIENT: (line) => this.#claim(line),
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

  constructor(wire: Wire, endpoints: SessionEndpoints, options: ReceivingOptions) {
    this.#wire = wire;
    this.#options = options;
    this.#policy = options.policy;
    this.#exchange = new AuthenticationExchange(() => options.limits().maxAuthFailures, options.log);
    this.#bodies = new BodyDialog({
      wire,
      log: options.log,
      limitBytes: () => this.#offer?.sizeLimitBytes,
      take: async (transaction, body) => this.#policy.data(this.#facts, transaction, body),
      answer: (reply) => this.#answer(reply),
      ended: (reply) => this.#bodyEnded(reply),
      idle: () => this.#stopWhenIdle(),
    });
    this.#facts = beginFacts(endpoints);
  }

  /** Asks whether the client is welcome: the greeting, or the reply to refuse it with. */
  async connect(): Promise<{ welcome: boolean; reply: Reply }> {
    this.#isAnnounced = true;
    try {
      const refusal = await this.#policy.connect(this.#facts, (reply) => this.#wire.cutOff(reply));
      if (refusal ?? !this.#isAnnounced) return { welcome: false, reply: refusal ?? REPLIES.connectionDropped };
      this.#wire.changeLimits(this.#policy.limits(this.#facts));
      return { welcome: true, reply: greetingReply(this.#policy.banner(this.#facts)) };
    } catch (error) {
      this.#options.log.error({ err: error }, 'policy failed at connect');
      return { welcome: false, reply: REPLIES.notAccepting };
    }
  }

  /** Begins TLS before the greeting; false when there is nothing to show the client. Never throws. */
  beginTls(): boolean {
    let hasBegun = false;
    this.#guard('secureContext', () => (hasBegun = this.#beginHandshake('STARTTLS', () => undefined)));
    return hasBegun;
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
    forgetGreeting(this.#facts);
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

  /** Ends the session as soon as no transaction is open. */
  stop(farewell: Reply = REPLIES.shuttingDown): void {
    this.#farewell = farewell;
    this.#stopWhenIdle();
  }

  /** The session has lasted as long as it may. */
  expire(): void {
    const farewell = REPLIES.connectionTimeout;
    return this.#policy.mayFinish(this.#facts) ? this.stop(farewell) : this.#wire.hangUp(farewell);
  }

  #stopWhenIdle(): void {
    if (this.#farewell && !this.#isBusy && !this.#transaction) this.#wire.hangUp(this.#farewell);
  }

  #execute(octets: Buffer): Answer | Promise<Answer> {
    const line = parseCommandLine(octets, this.#exchange.isExpectingLine);
    if (line.kind === 'refused') {
      this.#exchange.abandon();
      return line.isHostile ? this.#end(line.reply) : line.reply;
    }
    if (this.#exchange.isExpectingLine) return this.#noteStep(this.#exchange.takeLine(line.text));
    this.#forbearance.noteCommand(line.verb);
    const command = Object.hasOwn(this.#commands, line.verb) ? this.#commands[line.verb] : undefined;
    return command ? command(line) : REPLIES.unrecognized;
  }

  #answer(reply: Reply): void {
    this.#forbearance.noteReply(reply);
    if (this.#forbearance.isOver(this.#options.limits().maxErrors)) return this.#wire.hangUp(REPLIES.tooManyErrors);
    if (reply.code === 421 || reply === REPLIES.headerTooLarge) return this.#wire.hangUp(reply);
    this.#wire.answer(reply);
  }

  /** A reply as this client may read it. */
  dress(reply: Reply): Reply {
    return this.#offer?.withheld?.includes('ENHANCEDSTATUSCODES') ? withoutEnhancedCode(reply) : reply;
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
    const { fqdn, mayClaim, limits } = this.#options;
    const keywords = extended ? ehloKeywords(offer, { session: this.#facts, limits: limits(), mayClaim }) : [];
    return helloReply(fqdn, this.#facts.remoteAddress, keywords);
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

  /** The client is somebody else from now on, and the session begins anew, TLS and this server's trust in its word apart. */
  async #claim(line: CommandLine): Promise<Answer> {
    if (!this.#options.mayClaim) return REPLIES.unrecognized;
    if (this.#transaction) return REPLIES.nestedMail;
    const claim = parseXclient(line.argument);
    if (!claim) return REPLIES.xclientSyntax;
    this.closed();
    speakFor(this.#facts, claim);
    this.#offer = undefined;
    const { welcome, reply } = await this.connect();
    return welcome ? reply : this.#end(reply);
  }

  async #mail(line: CommandLine): Promise<Answer> {
    if (this.#facts.helo === undefined) return REPLIES.sendHello;
    if (this.#transaction) return REPLIES.nestedMail;
    this.#mailCount += 1;
    if (this.#mailCount > this.#options.limits().maxMessages) return REPLIES.tooManyMessages;
    const offered = offeredParameters(this.#offer, this.#facts);
    const parsed = parseMailCommand(line.argument, offered, this.#offer?.sizeLimitBytes);
    if (parsed.kind === 'refused') return parsed.reply;
    const reply = (await this.#policy.mail(this.#facts, parsed.value)) ?? REPLIES.senderOk;
    if (isPositive(reply)) this.#transaction = new OpenTransaction(parsed.value);
    return reply;
  }

  async #recipient(line: CommandLine): Promise<Answer> {
    const transaction = this.#transaction;
    if (!transaction) return this.#facts.helo === undefined ? REPLIES.sendHello : REPLIES.senderFirst;
    if (transaction.chunks) return REPLIES.badSequence;
    const reply = await this.#judgeRecipient(transaction, line);
    if (!isPositive(reply)) transaction.noteRefusal();
    return reply;
  }

  async #judgeRecipient(transaction: OpenTransaction, line: CommandLine): Promise<Reply> {
    const parsed = parseRecipientCommand(line.argument, offeredParameters(this.#offer, this.#facts), transaction.mail);
    if (parsed.kind === 'refused') return parsed.reply;
    const { maxRecipients } = this.#options.limits();
    if (transaction.recipients.length >= maxRecipients && transaction.isNew(parsed.value))
      return REPLIES.tooManyRecipients;
    const reply = (await this.#policy.recipient(this.#facts, transaction, parsed.value)) ?? REPLIES.recipientOk;
    if (isPositive(reply)) transaction.take(parsed.value);
    return reply;
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
    return transaction.refuseBody();
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
    if (isPositive(reply)) this.#forbearance.makeGood();
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
