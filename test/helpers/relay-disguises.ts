// The disguises under which public lists try whether a server relays for strangers: how a recipient elsewhere, or a sender
// that seems to be one of ours, can be written so that a careless server passes the message on.

export interface Disguise {
  readonly name: string;
  readonly from: string;
  /** Everything after `RCPT TO:`. */
  readonly to: string;
  /** True when it names a mailbox of ours after all, and the message has to arrive there and nowhere else. */
  readonly isOurs?: true;
}

const OURS = 'contoso.test';
const EDGE = 'edge01.perimeter.test';
const HUB = 'hub01.corp.test';
const SPAMMER = 'spammer@origin.test';
/** Whom the mail is meant for. */
const VICTIM = 'victim@victim.test';

/** Recipients, each tried with an ordinary sender. */
const RECIPIENTS: Readonly<Record<string, string>> = {
  'a foreign domain, openly': `<${VICTIM}>`,
  'without angle brackets': VICTIM,
  'a blank before the address': ` <${VICTIM}>`,
  'blanks inside the brackets': `< ${VICTIM} >`,
  'brackets twice': `<<${VICTIM}>>`,
  'in mixed case': '<Victim@ViCTiM.TEST>',
  'with a trailing dot': `<${VICTIM}.>`,
  'with two trailing dots': `<${VICTIM}..>`,
  'our domain with a foreign one behind it': `<victim@${OURS}.victim.test>`,
  'our domain as the end of a foreign label': `<victim@not${OURS}>`,
  'a subdomain of ours that is not accepted': `<victim@sub.${OURS}>`,
  'our domain with a dot in front': `<victim@.${OURS}>`,
  'a source route by our domain': `<@${OURS}:${VICTIM}>`,
  'a source route by the Edge': `<@${EDGE}:${VICTIM}>`,
  'a source route by an address': `<@[127.0.0.1]:${VICTIM}>`,
  'a source route by localhost': `<@localhost:${VICTIM}>`,
  'a source route over two hosts': `<@${OURS},@${EDGE}:${VICTIM}>`,
  'the percent hack at our domain': `<victim%victim.test@${OURS}>`,
  'the percent hack at the Edge': `<victim%victim.test@${EDGE}>`,
  'the percent hack at an address': '<victim%victim.test@[127.0.0.1]>',
  'the percent hack at nothing': '<victim%victim.test>',
  'the percent hack, nested': `<victim%victim.test%${EDGE}@${OURS}>`,
  'the percent hack behind a source route': `<@${EDGE}:victim%victim.test@${OURS}>`,
  'a bang path at nothing': '<victim.test!victim>',
  'a bang path at our domain': `<victim.test!victim@${OURS}>`,
  'a bang path at the Edge': `<victim.test!victim@${EDGE}>`,
  'a bang path over our domain': `<${OURS}!victim.test!victim>`,
  'a bang path over the Edge at our domain': `<${EDGE}!victim.test!victim@${OURS}>`,
  'bang and percent together': `<victim.test!victim%x.test@${OURS}>`,
  'a quoted address at nothing': `<"${VICTIM}">`,
  'a quoted address at our domain': `<"${VICTIM}"@${OURS}>`,
  'a quoted address at the Edge': `<"${VICTIM}"@${EDGE}>`,
  'a quoted address at an address': `<"${VICTIM}"@[127.0.0.1]>`,
  'a quoted percent hack at our domain': `<"victim%victim.test"@${OURS}>`,
  'a quoted bang path at our domain': `<"victim.test!victim"@${OURS}>`,
  'a quoted source route at our domain': `<"@${OURS}:${VICTIM}"@${OURS}>`,
  'a quoted at sign': `<victim"@"victim.test@${OURS}>`,
  'a quoted name at a foreign domain': '<"victim"@victim.test>',
  'an escaped at sign at our domain': `<victim\\@victim.test@${OURS}>`,
  'a quoted escape at our domain': `<"victim\\@victim.test"@${OURS}>`,
  'two domains, ours last': `<${VICTIM}@${OURS}>`,
  'two domains, ours first': `<victim@${OURS}@victim.test>`,
  'two domains, an address last': `<${VICTIM}@[127.0.0.1]>`,
  'a comment with our domain': `<${VICTIM}(@${OURS})>`,
  'a comment before a foreign domain': `<victim(@${OURS})@victim.test>`,
  'our domain in a display name': `"a@${OURS}" <${VICTIM}>`,
  'two addresses, ours first': `<a@${OURS}> <${VICTIM}>`,
  'two addresses with a comma': `<a@${OURS},${VICTIM}>`,
  'a group': `<a@${OURS}:${VICTIM};>`,
  'a foreign address literal': '<victim@[192.0.2.1]>',
  'a foreign IPv6 literal': '<victim@[IPv6:2001:db8::1]>',
  'a bare address': '<victim@192.0.2.1>',
  "the Edge's own address": '<victim@[127.0.0.1]>',
  localhost: '<victim@localhost>',
  'the name of the Edge': `<victim@${EDGE}>`,
  'the name of the Hub': `<victim@${HUB}>`,
  'a NUL before our domain': `<${VICTIM}\0@${OURS}>`,
  'a tab before our domain': `<${VICTIM}\t@${OURS}>`,
  'a semicolon before our domain': `<${VICTIM};@${OURS}>`,
  'encoded line ends': `<victim@victim.test%0d%0a@${OURS}>`,
  'a full-width at sign': `<victim\uff20victim.test@${OURS}>`,
  'an unknown parameter with our domain': `<${VICTIM}> RELAY=${OURS}`,
  'an original recipient that is ours': `<${VICTIM}> ORCPT=rfc822;a@${OURS}`,
};

/** Senders that look as if they had a right to send; each to the foreign domain, openly. */
const SENDERS: Readonly<Record<string, string>> = {
  'the null sender': '',
  'a sender in our domain': `boss@${OURS}`,
  'a sender in our domain, mixed case': `Boss@Contoso.TEST`,
  'a sender at the Edge': `postmaster@${EDGE}`,
  'a sender at the Hub': `postmaster@${HUB}`,
  'a sender at localhost': 'root@localhost',
  'a sender at our address': 'root@[127.0.0.1]',
  "a sender in the victim's own domain": VICTIM,
  'a sender with a source route by us': `@${EDGE}:boss@${OURS}`,
  'a quoted sender': `"boss@${OURS}"@${OURS}`,
};

/** What is a mailbox of ours although it names another domain. */
const MAILBOXES: Readonly<Record<string, string>> = {
  'a plus part with a foreign domain': `<plus+victim.test@${OURS}>`,
  'a foreign domain with an equals sign': `<equals=victim.test@${OURS}>`,
  'an original recipient elsewhere': `<orcpt@${OURS}> ORCPT=rfc822;${VICTIM}`,
  'a route that leads to us': `<@victim.test:routed@${OURS}>`,
  'our domain with another name in front, as the name': `<victim.test.name@${OURS}>`,
};

export const DISGUISES: readonly Disguise[] = [
  ...Object.entries(RECIPIENTS).map(([name, to]) => ({ name, from: SPAMMER, to })),
  ...Object.entries(SENDERS).map(([name, from]) => ({ name, from, to: `<${VICTIM}>` })),
  ...Object.entries(MAILBOXES).map(([name, to]) => ({ name, from: SPAMMER, to, isOurs: true as const })),
];
