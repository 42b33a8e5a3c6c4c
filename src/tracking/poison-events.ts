// Events of crashes and of the messages that were under work then.

import { define } from './event.ts';

/** By symbolic name. */
export const POISON_EVENTS = {
  ServerCrashed: define<{ server: string; cause: string; underWork: number }>({
    id: 30_060,
    source: 'relaypair',
    level: 'Error',
    describe: (facts) =>
      `${facts.server} ended by an error that nobody caught: ${facts.cause}. ${facts.underWork} messages were under work and are tried again, one after the other; nothing is lost. Report the error, with what its log says of it.`,
  }),
  MessagePoisoned: define<{ entry: string; crashes: number; cause: string; sender: string }>({
    id: 30_061,
    source: 'relaypair',
    level: 'Error',
    describe: (facts) =>
      `The server crashed ${facts.crashes} times while it worked on message ${facts.entry} from <${facts.sender}> (${facts.cause}). It is not tried any more and kept in the queue Poison: look at it with Export-Message ${facts.entry}, then Resume-Message or Remove-Message.`,
  }),
};
