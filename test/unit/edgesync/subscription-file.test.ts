import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  checkSubscriptionTimes,
  MAX_SUBSCRIPTION_SIZE_BYTES,
  readSubscription,
  type SubscriptionData,
  writeSubscription,
} from '../../../src/edgesync/subscription-file.ts';
import { isProblem, type Problem } from '../../../src/problem.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { makeSubscriptionData } from '../../helpers/subscription-data.ts';

const EXPORTED = new Date('2007-12-24T20:00:00.123Z');
const PASSWORD = ' p&ss<w>"or\'d]]> ';
let data: SubscriptionData;
let file: string;

beforeAll(async () => {
  data = await makeSubscriptionData(EXPORTED, PASSWORD);
  file = writeSubscription(data);
});

function refusal(run: () => unknown): Problem {
  try {
    run();
  } catch (error) {
    if (isProblem(error)) return error;
    throw error;
  }
  throw new Error('was accepted');
}

function read(content: string | Buffer): SubscriptionData {
  return readSubscription(typeof content === 'string' ? Buffer.from(content) : content);
}

/** The file with one element's content changed. */
function withText(element: string, text: string): string {
  return file.replace(new RegExp(`<${element}( />|>.*</${element}>)`), () => `<${element}>${text}</${element}>`);
}

function without(element: string): string {
  return file.replace(new RegExp(`  <${element}( />|>.*</${element}>)\n`), '');
}

function elementLines(): string[] {
  return file.split('\n').slice(2, -2);
}

describe('writing', () => {
  it("has Exchange's elements in Exchange's order", () => {
    expect(file).toBe(`<?xml version="1.0"?>
<EdgeSubscriptionData xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <EdgeServerName>EDGE01</EdgeServerName>
  <EdgeServerFQDN>edge01.contoso.com</EdgeServerFQDN>
  <EdgeCertificateBlob>${data.certificate.der.toString('base64')}</EdgeCertificateBlob>
  <PfxKPKCertificateBlob />
  <ESRAUsername>cn=ESRA.EDGE01,CN=Services,CN=Configuration,CN={0F2E}</ESRAUsername>
  <ESRAPassword> p&amp;ss&lt;w&gt;&quot;or&apos;d]]&gt; </ESRAPassword>
  <EffectiveDate>633341232001230000</EffectiveDate>
  <Duration>864000000000</Duration>
  <AdamSslPort>50636</AdamSslPort>
  <ServerType />
  <ProductID />
  <VersionNumber>1912832085</VersionNumber>
  <SerialNumber>Version 8.1 (Build 30240.6)</SerialNumber>
</EdgeSubscriptionData>
`);
  });

  it('is read back as the same data', () => {
    expect(read(file)).toEqual(data);
  });

  it('carries every printable password unchanged', () => {
    const password = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 100 })
      .filter((text) => !/\p{Cc}|\p{Cs}/u.test(text));
    fc.assert(
      fc.property(password, (esraPassword) => {
        expect(read(writeSubscription({ ...data, esraPassword })).esraPassword).toBe(esraPassword);
      }),
    );
  });

  it.each<[string, Partial<SubscriptionData>]>([
    ['a name that is no host name', { edgeServerFqdn: 'edge01' }],
    ['an empty password', { esraPassword: '' }],
    ['half a character', { esraPassword: 'pass\ud800word' }],
    ['a control character', { serialNumber: 'Version\u0001' }],
    ['a port beyond all ports', { adamSslPort: 65_536 }],
    ['spaces that would be trimmed', { productId: ' x ' }],
  ])('refuses %s', (_, change) => {
    expect(refusal(() => writeSubscription({ ...data, ...change })).code).toBe('subscription-unwritable');
  });
});

describe('reading', () => {
  it.each<[string, () => string]>([
    [
      'the elements in another order',
      () => file.replace(elementLines().join('\n'), elementLines().toReversed().join('\n')),
    ],
    ['no XML declaration', () => file.replace(/^.*\n/, '')],
    ['a declaration of UTF-8', () => file.replace('"1.0"?>', '"1.0" encoding="UTF-8" standalone="yes"?>')],
    ['a byte order mark', () => `\ufeff${file}`],
    ['Windows line ends', () => file.replaceAll('\n', '\r\n')],
    [
      'comments and white space between elements',
      () => `${file.replace('  <Duration>', '<!-- <Duration> -->\n\t  <Duration>')}\n<!-- end -->\n`,
    ],
    ['no namespaces', () => file.replace(/ xmlns:.*>/, '>')],
    [
      'no elements that .NET leaves out',
      () => without('PfxKPKCertificateBlob').replace('  <ServerType />\n', '').replace('  <ProductID />\n', ''),
    ],
    ['empty elements written in full', () => file.replace('<ProductID />', '<ProductID></ProductID>')],
    [
      'a certificate broken over lines',
      () =>
        withText('EdgeCertificateBlob', `\n${data.certificate.der.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n`),
    ],
    ['another PFX blob, which is ignored', () => withText('PfxKPKCertificateBlob', 'AAECAw==')],
    ['character references', () => withText('EdgeServerName', '&#69;&#x44;GE01')],
    ['white space around values', () => withText('AdamSslPort', '\n 50636 ')],
  ])('accepts %s', (_, content) => {
    expect(read(content())).toEqual(data);
  });

  it("keeps the certificate of an Edge's LDAP server in an element of its own, strictly read", async () => {
    const slapd = await createSelfSigned({ netbiosName: 'ADAM', fqdn: 'edge01.contoso.com', notBefore: EXPORTED });
    const whole = writeSubscription({ ...data, adamCertificate: slapd.certificate });
    const line = `  <AdamCertificateBlob>${slapd.certificate.der.toString('base64')}</AdamCertificateBlob>\n`;
    expect(whole).toBe(file.replace('</EdgeSubscriptionData>', () => `${line}</EdgeSubscriptionData>`));
    expect(read(whole).adamCertificate).toEqual(slapd.certificate);
    expect(read(whole.replace(line, '  <AdamCertificateBlob />\n'))).toEqual(data);
    const damaged = whole.replace(/(<AdamCertificateBlob>)..../, '$1AAAA');
    expect(refusal(() => read(damaged))).toMatchObject({
      code: 'subscription-certificate',
      message: expect.stringContaining('<AdamCertificateBlob>'),
    });
  });

  it('keeps a licence and a server type', () => {
    const licensed = { ...data, productId: '02064-000-0000007', serverType: 'Edge' };
    expect(read(writeSubscription(licensed))).toEqual(licensed);
  });
});

const XXE = '<!DOCTYPE EdgeSubscriptionData [<!ENTITY x SYSTEM "file:///etc/passwd">]>';
const LAUGHS = `<!DOCTYPE lolz [<!ENTITY l0 "lol">${Array.from({ length: 30 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('')}]>`;
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');

// What the file is, how it is made, and the code, line and words that the refusal must show.
const REFUSED: readonly [string, () => string | Buffer, string, RegExp][] = [
  [
    'an external entity',
    () => file.replace('?>\n', `?>${XXE}\n`).replace('EDGE01<', '&x;<'),
    'doctype',
    /line 1.*DOCTYPE/,
  ],
  ['a billion laughs', () => file.replace('?>\n', `?>${LAUGHS}`).replace('EDGE01<', '&l30;<'), 'doctype', /DOCTYPE/],
  ['a DOCTYPE without anything', () => `<!DOCTYPE x>${file.replace(/^.*\n/, '')}`, 'doctype', /DOCTYPE/],
  ['a DOCTYPE after the root', () => `${file}<!DOCTYPE x>`, 'trailing', /after the end/],
  ['an entity that nobody defined', () => withText('EdgeServerName', '&x;'), 'malformed', /line 3/],
  ['an entity named __proto__', () => withText('EdgeServerName', '&__proto__;'), 'malformed', /line 3/],
  ['an entity named constructor', () => withText('EdgeServerName', '&constructor;'), 'malformed', /line 3/],
  ['a reference to NUL', () => withText('EdgeServerName', 'EDGE&#0;01'), 'malformed', /line 3/],
  ['a reference to half a character', () => withText('EdgeServerName', 'EDGE&#xD800;'), 'malformed', /line 3/],
  ['a reference beyond Unicode', () => withText('EdgeServerName', `&#${'9'.repeat(500)};`), 'malformed', /line 3/],
  [
    'markup hidden in references',
    () => withText('EdgeServerName', '&lt;Duration&gt;'),
    'value',
    /line 3.*EdgeServerName/,
  ],
  ['a line break hidden in a reference', () => withText('SerialNumber', 'a&#10;b'), 'value', /SerialNumber/],
  ['a control character in a name', () => withText('EdgeServerName', 'EDGE\u001b[2J'), 'malformed', /line 3/],
  ['a processing instruction', () => file.replace('  <Duration>', '<?php x?><Duration>'), 'instruction', /line 10/],
  [
    'a style sheet',
    () => file.replace('?>\n', '?>\n<?xml-stylesheet href="http://x.test/"?>\n'),
    'instruction',
    /line 2/,
  ],
  ['a CDATA section', () => withText('EdgeServerName', '<![CDATA[EDGE01]]>'), 'cdata', /line 3.*CDATA/],
  [
    'a comment in a value',
    () => withText('EdgeServerName', 'EDGE<!-- -->01'),
    'text',
    /comment inside <EdgeServerName>/,
  ],
  [
    'an element that is not known',
    () => file.replace('  <Duration>', '<Life>1</Life><Duration>'),
    'unknown-element',
    /line 10.*<Life>/,
  ],
  [
    'an element named __proto__',
    () => file.replace('  <Duration>', '<__proto__>1</__proto__><Duration>'),
    'unknown-element',
    /__proto__/,
  ],
  [
    'an element named constructor',
    () => file.replace('  <Duration>', '<constructor />'),
    'unknown-element',
    /constructor/,
  ],
  [
    'an element in the wrong letter case',
    () => file.replaceAll('EdgeServerFQDN', 'EdgeServerFqdn'),
    'unknown-element',
    /EdgeServerFqdn/,
  ],
  [
    'an element with a prefix',
    () => file.replaceAll('<Duration', '<xsi:Duration').replaceAll('</Duration', '</xsi:Duration'),
    'unknown-element',
    /xsi:Duration/,
  ],
  [
    'an element name of half a megabyte',
    () => file.replace('  <Duration>', `<${'x'.repeat(500_000)}/>`),
    'unknown-element',
    /<xxx/,
  ],
  [
    'an element twice',
    () => file.replace('  <Duration>', '  <AdamSslPort>1</AdamSslPort>\n  <Duration>'),
    'doubled-element',
    /<AdamSslPort> twice/,
  ],
  [
    'an empty element twice',
    () => file.replace('<ServerType />', '<ServerType /><ServerType />'),
    'doubled-element',
    /ServerType/,
  ],
  [
    'an element in an element',
    () => withText('EdgeServerName', '<Duration>1</Duration>'),
    'nested',
    /<Duration> inside <EdgeServerName>/,
  ],
  ['deep nesting', () => file.replace('  <Duration>', '<Duration>'.repeat(80_000)), 'nested', /line 10/],
  [
    'deep nesting from the root on',
    () => '<EdgeSubscriptionData>'.repeat(40_000),
    'unknown-element',
    /EdgeSubscriptionData/,
  ],
  [
    'an attribute on an element',
    () => file.replace('<Duration>', '<Duration type="long">'),
    'attribute',
    /type on <Duration>/,
  ],
  [
    'xsi:nil on an element',
    () => file.replace('<ProductID />', '<ProductID xsi:nil="true" />'),
    'attribute',
    /xsi:nil on <ProductID>/,
  ],
  [
    'another attribute on the root',
    () => file.replace(' xmlns:xsd', ' xmlns="urn:x" xmlns:xsd'),
    'attribute',
    /xmlns on <EdgeSubscriptionData>/,
  ],
  ['a namespace with another meaning', () => file.replace('/XMLSchema"', '/Other"'), 'attribute', /xmlns:xsd/],
  [
    'a namespace twice',
    () => file.replace(' xmlns:xsd', ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd'),
    'malformed',
    /line 2/,
  ],
  [
    'a hundred thousand attributes',
    () => file.replace(' xmlns:xsd', `${' a="1"'.repeat(100_000)} xmlns:xsd`),
    'attribute',
    /line 2/,
  ],
  [
    'another root',
    () => file.replaceAll('EdgeSubscriptionData', 'html'),
    'wrong-root',
    /<html> where <EdgeSubscriptionData>/,
  ],
  ['two roots', () => `${file}<EdgeSubscriptionData></EdgeSubscriptionData>`, 'trailing', /after the end/],
  ['another element after the root', () => `${file}<html/>`, 'trailing', /after the end/],
  ['a file twice', () => file + file, 'trailing', /after the end/],
  ['text after the root', () => `${file}more`, 'trailing', /after the end/],
  ['text before the root', () => `more${file}`, 'text', /line 1/],
  ['text between elements', () => file.replace('  <Duration>', 'x<Duration>'), 'text', /line 10/],
  ['a no-break space between elements', () => file.replace('  <Duration>', '\u00a0<Duration>'), 'text', /line 10/],
  ['a tag that is not closed', () => file.replace('</Duration>', ''), 'nested', /<AdamSslPort> inside <Duration>/],
  ['a tag closed by another', () => file.replace('</Duration>', '</AdamSslPort>'), 'malformed', /line 10/],
  ['a NUL', () => withText('SerialNumber', 'a\0b'), 'malformed', /line 15/],
  ['nothing', () => '', 'truncated', /ends before/],
  ['white space alone', () => ' \n', 'truncated', /ends before/],
  ['two mebibytes', () => file + ' '.repeat(2 * MAX_SUBSCRIPTION_SIZE_BYTES), 'too-large', /1048576/],
  ['UTF-16 with a mark', () => utf16(file), 'encoding', /UTF-16.*save it as UTF-8/],
  ['UTF-16 without a mark', () => utf16(file).subarray(2), 'encoding', /UTF-16/],
  ['UTF-16, the other way round', () => utf16(file).swap16(), 'encoding', /UTF-16/],
  [
    'bytes that are not UTF-8',
    () => Buffer.from(file.replace('EDGE01<', 'EDGE\u00e9<'), 'latin1'),
    'encoding',
    /not UTF-8/,
  ],
  [
    'a declaration of another encoding',
    () => file.replace('?>', ' encoding="utf-7"?>'),
    'encoding',
    /utf-7.*save it as UTF-8/,
  ],
  ['XML 1.1', () => file.replace('"1.0"', '"1.1"'), 'malformed', /1\.1/],
  ['a picture', () => Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 'encoding', /UTF-8/],
  ['no certificate', () => without('EdgeCertificateBlob'), 'missing-element', /no <EdgeCertificateBlob>/],
  ['no password', () => without('ESRAPassword'), 'missing-element', /no <ESRAPassword>/],
  ['an empty name', () => withText('EdgeServerName', ' '), 'value', /line 3.*EdgeServerName/],
  ['a name with a path in it', () => withText('EdgeServerName', '../../x'), 'value', /EdgeServerName/],
  ['a name without a domain', () => withText('EdgeServerFQDN', 'edge01'), 'value', /line 4.*"edge01".*EdgeServerFQDN/],
  ['an address as a name', () => withText('EdgeServerFQDN', '192.0.2.1'), 'value', /EdgeServerFQDN/],
  ['a name with an empty label', () => withText('EdgeServerFQDN', 'edge01..com'), 'value', /EdgeServerFQDN/],
  ['a name with a label in hyphens', () => withText('EdgeServerFQDN', '-edge.com'), 'value', /EdgeServerFQDN/],
  ['a name that is too long', () => withText('EdgeServerFQDN', `${'a.'.repeat(200)}com`), 'value', /EdgeServerFQDN/],
  ['a blob that is not base64', () => withText('EdgeCertificateBlob', 'MII*'), 'value', /line 5.*base64/],
  ['base64 without its padding', () => withText('PfxKPKCertificateBlob', 'AAECAw'), 'value', /line 6.*base64/],
  ['an empty certificate', () => withText('EdgeCertificateBlob', ''), 'certificate', /line 5.*EdgeCertificateBlob/],
  [
    'a certificate that was changed',
    () => {
      const changed = Buffer.from(data.certificate.der);
      changed.writeUInt8(changed.readUInt8(changed.length - 100) ^ 1, changed.length - 100);
      return withText('EdgeCertificateBlob', changed.toString('base64'));
    },
    'certificate',
    /line 5.*was changed/,
  ],
  ['a certificate that does not parse', () => withText('EdgeCertificateBlob', 'MIIC'), 'certificate', /line 5/],
  [
    'bytes after the certificate',
    () => withText('EdgeCertificateBlob', Buffer.concat([data.certificate.der, Buffer.alloc(3)]).toString('base64')),
    'certificate',
    /line 5/,
  ],
  [
    'a certificate in PEM',
    () => withText('EdgeCertificateBlob', Buffer.from(data.certificate.pem).toString('base64')),
    'certificate',
    /one DER/,
  ],
  ['an empty user name', () => withText('ESRAUsername', ''), 'value', /line 7.*ESRAUsername/],
  ['an empty password', () => withText('ESRAPassword', ''), 'value', /line 8.*ESRAPassword/],
  ['a password with a line break', () => withText('ESRAPassword', 'secret\nsecret'), 'value', /line 8/],
  ['a date in words', () => withText('EffectiveDate', '2007-12-24'), 'value', /line 9.*"2007-12-24"/],
  ['a date beyond the year 9999', () => withText('EffectiveDate', '3155378976000000000'), 'value', /EffectiveDate/],
  ['a negative date', () => withText('EffectiveDate', '-1'), 'value', /EffectiveDate/],
  ['a date with more digits than 64 bits', () => withText('EffectiveDate', '9'.repeat(100_000)), 'value', /line 9/],
  ['no duration', () => withText('Duration', '0'), 'value', /line 10.*Duration/],
  ['a duration of more than a day', () => withText('Duration', '864000000001'), 'value', /line 10.*24 hours/],
  ['a duration without end', () => withText('Duration', '9223372036854775807'), 'value', /Duration/],
  ['an end beyond the year 9999', () => withText('Duration', '3155378975999999999'), 'value', /Duration/],
  ['port 0', () => withText('AdamSslPort', '0'), 'value', /line 11.*1 to 65535/],
  ['port 65536', () => withText('AdamSslPort', '65536'), 'value', /"65536"/],
  ['a port in hexadecimal', () => withText('AdamSslPort', '0xC5CC'), 'value', /AdamSslPort/],
  ['a port in other digits', () => withText('AdamSslPort', '٥٠٦٣٦'), 'value', /AdamSslPort/],
  ['a version beyond 32 bits', () => withText('VersionNumber', '2147483648'), 'value', /VersionNumber/],
  ['a serial number without end', () => withText('SerialNumber', 'x'.repeat(100_000)), 'value', /SerialNumber/],
];

describe('reading what is wrong', () => {
  it.each(REFUSED)('refuses %s', (_, make, code, words) => {
    const content = make();
    const { code: found, message } = refusal(() => read(content));
    expect(found).toBe(`subscription-${code}`);
    expect(message).toMatch(words);
    // One printable sentence of a bearable length.
    expect(message).toMatch(/^the Edge Subscription file [^\p{Cc}]{1,450}$/u);
  });

  it('refuses a file cut off anywhere as truncated', () => {
    const end = file.lastIndexOf('</EdgeSubscriptionData>') + '</EdgeSubscriptionData>'.length;
    const codes = new Set<string>();
    for (let length = 0; length < end; length += 1) codes.add(refusal(() => read(file.slice(0, length))).code);
    expect([...codes]).toEqual(['subscription-truncated']);
  });

  it('throws nothing but a Problem, whatever is done to a byte', () => {
    const bytes = Buffer.from(file);
    const change = fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255), cut: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let changed: Buffer = Buffer.from(bytes);
        for (const { at, to, cut } of changes) {
          changed = Buffer.concat([changed.subarray(0, at), Buffer.from([to]), changed.subarray(at + cut)]);
        }
        try {
          expect(read(changed).adamSslPort).toBeGreaterThan(0);
        } catch (error) {
          if (!isProblem(error)) throw error;
          expect(error.code).toMatch(/^subscription-/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never repeats a password', () => {
    const broken = [
      withText('ESRAPassword', 'geheim\u0001'),
      withText('ESRAPassword', 'geheim&x;'),
      withText('ESRAPassword', 'geheim&#9;'),
    ];
    for (const content of broken) expect(refusal(() => read(content)).message).not.toContain('geheim');
  });
});

describe('checkSubscriptionTimes', () => {
  const at = (offsetMs: number): Date => new Date(EXPORTED.getTime() + offsetMs);

  it.each([
    ['at once', 0],
    ['just before the end', 86_399_999],
    ['on a server whose clock is five minutes behind', -300_000],
  ])('accepts the file %s', (_, offsetMs) => {
    expect(() => checkSubscriptionTimes(data, at(offsetMs))).not.toThrow();
  });

  it('refuses an expired file with the dates', () => {
    const { code, message } = refusal(() => checkSubscriptionTimes(data, at(86_400_000)));
    expect(code).toBe('subscription-expired');
    expect(message).toBe(
      'the Edge Subscription file of edge01.contoso.com was made on 2007-12-24 20:00:00 UTC and expired on 2007-12-25 20:00:00 UTC; here it is 2007-12-25 20:00:00 UTC: export it again with New-EdgeSubscription on the Edge',
    );
  });

  it('refuses a file from the future with the dates', () => {
    const { code, message } = refusal(() => checkSubscriptionTimes(data, at(-300_001)));
    expect(code).toBe('subscription-not-yet-valid');
    expect(message).toContain('2007-12-24 20:00:00 UTC');
    expect(message).toContain('here it is 2007-12-24 19:55:00 UTC: compare the clocks');
  });
});
