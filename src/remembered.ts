// Pure functions of a short text that are asked the same again and again, for each message or connection: domains, addresses, ranges, replies.

import { BoundedMap } from './bounded-map.ts';

/** A name of DNS has 253 characters at most; what is longer is no name, and not worth the memory. */
const MAX_LENGTH = 255;

/** The same function, which keeps its last `limit` answers. It must be pure and its answers must never be changed. */
export function remembered<Answer>(limit: number, find: (text: string) => Answer): (text: string) => Answer {
  const known = new BoundedMap<string, { readonly answer: Answer }>(limit);
  return (text) => {
    const found = known.get(text);
    if (found) return found.answer;
    const answer = find(text);
    if (text.length <= MAX_LENGTH) known.set(text, { answer });
    return answer;
  };
}
