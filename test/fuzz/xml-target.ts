// The reader of the Edge Subscription file under fuzzing: it gives back data or refuses with a Problem, and throws nothing else.

import { readSubscription, type SubscriptionData, writeSubscription } from '../../src/edgesync/subscription-file.ts';
import { isProblem, messageOf } from '../../src/problem.ts';
import type { Chance } from '../crash/chance.ts';
import { makeSubscriptionData } from '../helpers/subscription-data.ts';
import { mutateOctets, mutateTokens } from './mutate.ts';
import type { Target } from './target.ts';

const OTHERS = [
  '<!DOCTYPE x [<!ENTITY a "b">]>',
  '<!ENTITY',
  '&a;',
  '&#0;',
  '&#x110000;',
  '&amp;'.repeat(50),
  '<![CDATA[x]]>',
  '<?xml version="1.1"?>',
  '<!-- -- -->',
  '<a>'.repeat(2000),
  '</EdgeServerName>',
  '<EdgeServerName xmlns="x">',
  '\ufeff',
  '\u0000',
  '99999999999999999999',
  '-1',
  'x'.repeat(5000),
];

export class XmlTarget implements Target {
  readonly name = 'subscription XML';
  readonly #data: SubscriptionData;
  readonly #file: string;

  private constructor(data: SubscriptionData) {
    this.#data = data;
    this.#file = writeSubscription(data);
  }

  static async open(): Promise<XmlTarget> {
    return new XmlTarget(await makeSubscriptionData(new Date('2026-01-02T03:04:05Z'), 'p&ss<w>"or'));
  }

  async run(chance: Chance): Promise<string | undefined> {
    const tokens = this.#file.split(/(?=<)|(?<=>)/);
    const content = mutateOctets(chance, Buffer.from(mutateTokens(chance, tokens, [...OTHERS, ...tokens]).join('')));
    try {
      readSubscription(content);
      return undefined;
    } catch (error) {
      return isProblem(error) ? undefined : `${messageOf(error)} for ${JSON.stringify(content.toString('latin1'))}`;
    }
  }

  async checkService(): Promise<string | undefined> {
    const { edgeServerFqdn, esraPassword } = readSubscription(Buffer.from(this.#file));
    const isSame = edgeServerFqdn === this.#data.edgeServerFqdn && esraPassword === this.#data.esraPassword;
    return isSame ? undefined : 'a sound file was read as another';
  }

  async close(): Promise<void> {}
}
