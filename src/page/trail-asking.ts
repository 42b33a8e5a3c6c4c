// What all servers on the page know of one message, asked of them and put together.

import { followTrail, type KnownOfMessage, type Trail } from '../shell/trail-facts.ts';
import type { Api, ApiProblem, ApiRecord } from './api.ts';
import { asProblem } from './ask.ts';
import { text } from './fields.ts';

export interface KnownTrail {
  /** Undefined when nobody knows the message. */
  readonly trail: Trail | undefined;
  /** Records of message tracking, in the order of time. */
  readonly tracking: readonly ApiRecord[];
  /** Records of reports about the message. */
  readonly reports: readonly ApiRecord[];
  /** Servers that did not answer. */
  readonly problems: readonly { readonly server: string; readonly problem: ApiProblem }[];
}

type Known = Readonly<Record<keyof KnownOfMessage, readonly ApiRecord[]>>;

interface Asked {
  readonly name: string;
  readonly api: Pick<Api, 'call'>;
}

export async function askForTrail(servers: readonly Asked[], id: string): Promise<KnownTrail> {
  const problems: { server: string; problem: ApiProblem }[] = [];
  const answers = await Promise.all(
    servers.map(async (server): Promise<readonly Known[]> => {
      try {
        return [await ask(server, id)];
      } catch (error) {
        problems.push({ server: server.name, problem: asProblem(error) });
        return [];
      }
    }),
  );
  const known = answers.flat();
  return {
    // What came out of JSON is what the shell gets from its own door too.
    trail: followTrail(known as unknown as KnownOfMessage[]),
    tracking: known
      .flatMap(({ tracking }) => tracking)
      .toSorted((a, b) => text(a, 'Timestamp').localeCompare(text(b, 'Timestamp'))),
    reports: known.flatMap(({ reports }) => reports),
    problems,
  };
}

async function ask({ api }: Asked, id: string): Promise<Known> {
  const [{ records: cards }, { records: tracking }] = await Promise.all([
    api.call('Get-DecisionCard', { NetworkMessageId: id }),
    api.call('Get-MessageTrackingLog', { NetworkMessageId: id }),
  ]);
  const messageId = text(cards[0] ?? tracking[0], 'MessageId');
  const { records: reports } =
    messageId === ''
      ? { records: [] }
      : await api.call('Get-MessageTrackingLog', { Reference: messageId, EventId: 'DSN' });
  return { cards, tracking, reports };
}
