// The client's side of AUTH (RFC 4954) for any mechanism of `sasl.ts`. A 235 is not enough: with a mechanism in which the server
// proves itself too, only both together count.

import { isProblem } from '../problem.ts';
import { decodeBase64 } from './base64.ts';
import type { Reply } from './reply.ts';
import { SASL_CHALLENGE_INVALID, SASL_SERVER_UNPROVEN, type SaslClient } from './sasl.ts';
import type { SenderConnection } from './sender-connection.ts';
import { type ServerReply, toReply } from './server-reply.ts';

/** `server-unproven`: the server could not show that it knows the credential, or broke the mechanism's rules. */
export type AuthenticationResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reply: Reply | undefined;
      readonly cause: 'refused' | 'not-offered' | 'server-unproven' | 'connection';
    };

/** No mechanism needs more; a server that asks on and on is left. */
const MAX_CHALLENGES = 8;
/** RFC 5321 §4.5.3.1.4, without CRLF: a longer initial response waits for the server's empty challenge (RFC 4954 §4). */
const MAX_COMMAND_CHARACTERS = 510;

/** Runs `client`'s mechanism if the server announced it. `timeoutMs` is for each answer. */
export async function runAuthentication(
  connection: SenderConnection,
  client: SaslClient,
  timeoutMs: number,
): Promise<AuthenticationResult> {
  const offered = (connection.capabilities.get('AUTH') ?? '').toUpperCase().split(/\s+/);
  if (!offered.includes(client.mechanism.toUpperCase())) return { ok: false, reply: undefined, cause: 'not-offered' };
  const { command, pending } = openExchange(client);
  let answer = await connection.exchange(command, timeoutMs);
  let response = pending;
  for (let round = 0; answer?.code === 334; round += 1) {
    response ??= round < MAX_CHALLENGES ? respond(client, answer) : undefined;
    if (response === undefined) {
      // "*" cancels; whatever the server says to it, it was not proven.
      answer = await connection.exchange('*', timeoutMs);
      return { ok: false, reply: answer && toReply(answer), cause: answer ? 'server-unproven' : 'connection' };
    }
    answer = await connection.exchange(response.toString('base64'), timeoutMs);
    response = undefined;
  }
  return judgeAnswer(answer, client);
}

function openExchange(client: SaslClient): { command: string; pending: Buffer | undefined } {
  const first = client.initialResponse();
  const bare = `AUTH ${client.mechanism}`;
  if (first === undefined) return { command: bare, pending: undefined };
  const command = `${bare} ${first.length === 0 ? '=' : first.toString('base64')}`;
  return command.length <= MAX_COMMAND_CHARACTERS ? { command, pending: undefined } : { command: bare, pending: first };
}

/** undefined when the server's challenge is to be answered by cancelling. */
function respond(client: SaslClient, answer: ServerReply): Buffer | undefined {
  const challenge = decodeBase64(answer.text);
  if (!challenge) return undefined;
  try {
    return client.respond(challenge);
  } catch (error) {
    if (isProblem(error, SASL_SERVER_UNPROVEN) || isProblem(error, SASL_CHALLENGE_INVALID)) return undefined;
    throw error;
  }
}

function judgeAnswer(answer: ServerReply | undefined, client: SaslClient): AuthenticationResult {
  if (!answer) return { ok: false, reply: undefined, cause: 'connection' };
  const reply = toReply(answer);
  if (reply.code !== 235) return { ok: false, reply, cause: 'refused' };
  return client.serverProven ? { ok: true } : { ok: false, reply, cause: 'server-unproven' };
}
