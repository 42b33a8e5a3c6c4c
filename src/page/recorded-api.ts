// The Admin API of a server that is only a recording: it answers what was asked before, and nobody is asked.

import { Api, ApiProblem, type Parameters } from './api.ts';
import type { KnownAnswer } from './recording.ts';
import { texts } from './texts.ts';

export class RecordedApi extends Api {
  readonly #answers: ReadonlyMap<string, string>;

  constructor(answers: readonly KnownAnswer[]) {
    super('', () => undefined);
    this.#answers = new Map(
      answers.map(({ cmdlet, parameters, answer }) => [
        keyOf(cmdlet, JSON.stringify(parameters)),
        JSON.stringify(answer),
      ]),
    );
  }

  override async request(path: string, init: RequestInit = {}): Promise<Response> {
    const cmdlet = path.split('/').at(-1) ?? '';
    const answer = this.#answers.get(keyOf(cmdlet, typeof init.body === 'string' ? init.body : '{}'));
    if (answer === undefined) throw new ApiProblem('not-recorded', texts.player.notRecorded, 0);
    return new Response(answer);
  }
}

function keyOf(cmdlet: string, parameters: string): string {
  return `${cmdlet} ${parameters}`;
}

/** Asks `api`, and adds to `answers` what it answered. */
export function remember(api: Api, answers: KnownAnswer[]): Pick<Api, 'call'> {
  return {
    async call(cmdlet: string, parameters: Parameters = {}, signal?: AbortSignal) {
      const answer = await api.call(cmdlet, parameters, signal);
      answers.push({ cmdlet, parameters, answer });
      return answer;
    },
  };
}
