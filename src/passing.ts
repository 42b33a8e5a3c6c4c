// A Map and a Set for what comes and goes all the time. The engine's own make a new table every few entries, and each one that was
// given up points to the next: once one of them has outlived a full collection, the quick ones, which take whatever an old object
// points to for alive, keep every table that follows, and all that stood in it when it was given up. Bodies of messages that
// had long been sent stayed until the next full collection, and made it come sooner (docs/performance.md). Here what is taken
// out is let go of at once, whoever still points to its place.

/** The place of a value: empty once the value was taken out. */
interface Place<Value> {
  value: Value | undefined;
}

/** As a Map, whose keys are small things; the order is that of insertion. */
export class PassingMap<Key extends string | number, Value> {
  readonly #places = new Map<Key, Place<Value>>();

  get size(): number {
    return this.#places.size;
  }

  get(key: Key): Value | undefined {
    return this.#places.get(key)?.value;
  }

  /** A key that is there already keeps its place in the order. */
  set(key: Key, value: Value): this {
    const place = this.#places.get(key);
    if (place) place.value = value;
    else this.#places.set(key, { value });
    return this;
  }

  delete(key: Key): boolean {
    const place = this.#places.get(key);
    if (!place) return false;
    place.value = undefined;
    return this.#places.delete(key);
  }

  clear(): void {
    for (const place of this.#places.values()) place.value = undefined;
    this.#places.clear();
  }

  keys(): MapIterator<Key> {
    return this.#places.keys();
  }

  /** What is taken out meanwhile is left out. */
  *[Symbol.iterator](): Generator<[Key, Value]> {
    // Only what was taken out has an empty place.
    for (const [key, { value }] of this.#places) yield [key, value as Value];
  }
}

/** One member of a set, between its neighbours. */
interface Link<Member> {
  member: Member | undefined;
  before: Link<Member> | undefined;
  after: Link<Member> | undefined;
}

/** As a Set of objects; the order is that of insertion. */
export class PassingSet<Member extends object> {
  readonly #links = new WeakMap<Member, Link<Member>>();
  #first: Link<Member> | undefined;
  #last: Link<Member> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(member: Member): boolean {
    return this.#links.has(member);
  }

  add(member: Member): this {
    if (this.#links.has(member)) return this;
    const link: Link<Member> = { member, before: this.#last, after: undefined };
    if (this.#last) this.#last.after = link;
    else this.#first = link;
    this.#last = link;
    this.#links.set(member, link);
    this.#size += 1;
    return this;
  }

  delete(member: Member): boolean {
    const link = this.#links.get(member);
    if (!link) return false;
    const { before, after } = link;
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    link.member = link.before = link.after = undefined;
    this.#links.delete(member);
    this.#size -= 1;
    return true;
  }

  /** The first that is meant; nothing may be taken out by the question. */
  find(isMeant: (member: Member) => boolean): Member | undefined {
    for (let link = this.#first; link; link = link.after) {
      if (link.member && isMeant(link.member)) return link.member;
    }
    return undefined;
  }

  /** Those that are in it at the beginning, but for what is taken out meanwhile. */
  *[Symbol.iterator](): Generator<Member> {
    const links: Link<Member>[] = [];
    for (let link = this.#first; link; link = link.after) links.push(link);
    for (const { member } of links) if (member) yield member;
  }
}
