// Enhanced status codes (RFC 3463, RFC 5248) in words for somebody who knows no mail server: why, and what to do about it.

/** `advice` is for the sender of a message that has failed. */
export interface StatusWords {
  readonly why: string;
  readonly advice: string;
}

const CHECK_ADDRESS =
  'Check the address for a typing mistake, or ask the recipient for it, and send the message again.';
export const ASK_ADMINISTRATOR = 'Show this notice to your mail administrator.';
const ANOTHER_WAY = 'Tell the recipient another way.';
const SMALLER = 'Make the message smaller, for example by sending a link instead of the attachment, and send it again.';
const WITHOUT_REQUIRETLS =
  'Tell the recipient another way, or, if it may travel less protected, send the message again without REQUIRETLS.';
const LATER = `Send the message again later. If that fails too, show this notice to your mail administrator.`;

/** By subject and detail; a subject alone stands for all its details that are not listed. */
const WORDS: Readonly<Record<string, StatusWords>> = {
  '1': { why: 'The address was not accepted.', advice: CHECK_ADDRESS },
  '1.1': { why: 'There is no mailbox with this address.', advice: CHECK_ADDRESS },
  '1.2': {
    why: 'The part of the address behind the @ is not known as a place that takes mail.',
    advice: CHECK_ADDRESS,
  },
  '1.3': { why: 'The address is not written as a mail address can be.', advice: CHECK_ADDRESS },
  '1.6': { why: 'The mailbox has moved and left no new address.', advice: CHECK_ADDRESS },
  '1.7': { why: 'The address of the sender was not accepted.', advice: ASK_ADMINISTRATOR },
  '1.8': { why: 'The address of the sender was not accepted.', advice: ASK_ADMINISTRATOR },
  '1.10': { why: 'The domain of this address takes no mail at all.', advice: CHECK_ADDRESS },
  '2': { why: 'The mailbox does not take the message.', advice: ANOTHER_WAY },
  '2.1': { why: 'The mailbox is closed to new mail at present.', advice: ANOTHER_WAY },
  '2.2': {
    why: 'The mailbox is full.',
    advice: 'Tell the recipient another way, and send the message again when there is room.',
  },
  '2.3': { why: 'The message is larger than this mailbox takes.', advice: SMALLER },
  '3': { why: "The recipient's mail system does not take the message.", advice: LATER },
  '3.4': { why: "The message is larger than the recipient's mail system takes.", advice: SMALLER },
  '4': { why: 'The next mail server could not be reached, or the connection to it broke.', advice: LATER },
  '4.3': { why: "The recipient's mail server could not be found, because a directory did not answer.", advice: LATER },
  '4.4': { why: "No mail server is known for the recipient's domain.", advice: CHECK_ADDRESS },
  '4.6': { why: 'The message went round in circles between mail servers.', advice: ASK_ADMINISTRATOR },
  '4.7': { why: 'The message could not be delivered in the time that was set for it.', advice: LATER },
  '5': { why: 'The two mail servers did not understand each other.', advice: ASK_ADMINISTRATOR },
  '5.3': {
    why: 'The message has more recipients than the mail server takes.',
    advice: 'Send it to fewer recipients at a time.',
  },
  '6': { why: "The recipient's mail server does not take a message of this form.", advice: ASK_ADMINISTRATOR },
  '6.7': {
    why: "The recipient's mail server does not take addresses with letters beyond ASCII.",
    advice: 'Use an address without such letters, if there is one, for yourself and for the recipient.',
  },
  '7': { why: 'The message was held back or refused for reasons of security or policy.', advice: ASK_ADMINISTRATOR },
  '7.1': { why: 'You are not allowed to send to this recipient, or not by this way.', advice: ASK_ADMINISTRATOR },
  '7.3': { why: 'The two mail servers could not prove to each other who they are.', advice: ASK_ADMINISTRATOR },
  '7.10': {
    why: 'The message was to travel by verified TLS alone, and the next mail server does not offer that.',
    advice: WITHOUT_REQUIRETLS,
  },
  '7.30': {
    why: 'The message was to travel by verified TLS all the way, and the next mail server does not promise that for the rest of it.',
    advice: WITHOUT_REQUIRETLS,
  },
  '7.5': { why: 'No connection came about that is safe enough for this message.', advice: ASK_ADMINISTRATOR },
};

const UNKNOWN: StatusWords = {
  why: 'The next mail server does not take the message.',
  advice: 'If its answer does not tell you why, show this notice to your mail administrator.',
};

/** What a code such as "5.1.1" or "4.4.1" means. */
export function explainStatus(status: string): StatusWords {
  const [, subject = '', detail = ''] = status.split('.');
  return WORDS[`${subject}.${detail}`] ?? WORDS[subject] ?? UNKNOWN;
}
