// What a client says to the SMTP listener, mostly as it should be: a session in steps, with a message in lines or in chunks.

import type { Chance } from '../crash/chance.ts';
import { readCorpus, SAMPLES } from '../helpers/messages.ts';
import { cut, happens, mutateOctets, mutateTokens, pick } from './mutate.ts';

const MAX_MESSAGE_OCTETS = 20_000;
const MESSAGES = [...SAMPLES, ...readCorpus()]
  .map(({ content }) => content)
  .filter((content) => content.length < MAX_MESSAGE_OCTETS);

const MAILS = [
  'MAIL FROM:<a@client.test>',
  'MAIL FROM:<> SIZE=100 BODY=8BITMIME',
  'MAIL FROM:<"a b"@client.test> RET=HDRS ENVID=x+2By',
  'MAIL FROM:<\xc3\xa4@client.test> SMTPUTF8',
  'MAIL FROM:<a@[IPv6:::1]> BODY=BINARYMIME',
  'MAIL FROM:<a@client.test> REQUIRETLS SIZE=5',
  'MAIL FROM:<@x.test,@y.test:a@client.test>',
];
const RECIPIENTS = [
  'RCPT TO:<b@listener.test>',
  'RCPT TO:<Postmaster>',
  'RCPT TO:<b@listener.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b+40x',
  'RCPT TO:<b@xn--bcher-kva.test> NOTIFY=NEVER',
];
const OTHERS = [
  'RSET',
  'NOOP',
  'NOOP x',
  'VRFY b',
  'HELP',
  'EXPN list',
  'HELO client.test',
  'EHLO client.test',
  'EHLO [127.0.0.1]',
  'AUTH TEST',
  'AUTH TEST AA==',
  '*',
  '=',
  'STARTTLS',
  'QUIT',
  'DATA',
  'BDAT 0',
  'BDAT 0 LAST',
  'BDAT 10',
  'BDAT 99999999999999',
  'GET / HTTP/1.1',
  '.',
  '',
  'x'.repeat(5000),
  ...MAILS,
  ...RECIPIENTS,
].map(line);

function line(text: string): Buffer {
  return Buffer.from(`${text}\r\n`, 'latin1');
}

function inLines(content: Buffer): Buffer[] {
  const stuffed = content.toString('latin1').replaceAll(/(^|\r\n)\./g, '$1..');
  const end = content.length === 0 || stuffed.endsWith('\r\n') ? '.' : '\r\n.';
  return [line('DATA'), Buffer.from(stuffed, 'latin1'), line(end)];
}

function inChunks(chance: Chance, content: Buffer): Buffer[] {
  const pieces = cut(chance, content);
  return pieces.flatMap((piece, index) => [
    line(`BDAT ${piece.length}${index === pieces.length - 1 ? ' LAST' : ''}`),
    piece,
  ]);
}

function transaction(chance: Chance): Buffer[] {
  const content = mutateOctets(chance, pick(chance, MESSAGES));
  const recipients = Array.from({ length: 1 + chance.below(3) }, () => line(pick(chance, RECIPIENTS)));
  const body = happens(chance, 3) ? inChunks(chance, content) : inLines(content);
  return [line(pick(chance, MAILS)), ...recipients, ...body];
}

/** Everything that one client says, whether it is asked for it or not. */
export function makeDialog(chance: Chance): Buffer {
  const transactions = Array.from({ length: 1 + chance.below(2) }, () => transaction(chance));
  const tokens = [line('EHLO client.test'), ...transactions.flat(), line('QUIT')];
  return mutateOctets(chance, Buffer.concat(mutateTokens(chance, tokens, OTHERS)));
}
