// What the listener promises over smtp-server, whose inner members it uses: AUTH (RFC 4954). Run it after every change of that pin.

import { afterEach, describe, expect, it } from 'vitest';
import type { SaslServer, SaslStep } from '../../src/smtp/sasl.ts';
import type { Offer, SmtpSession } from '../../src/smtp/session-policy.ts';
import { ListenerBench } from '../helpers/listener-bench.ts';
import { PLAIN_OFFER, ScriptedPolicy } from '../helpers/scripted-policy.ts';

const bench = new ListenerBench();
afterEach(() => bench.clear());

function scriptedSasl(...steps: SaslStep[]): SaslServer & { responses: (string | undefined)[] } {
  const responses: (string | undefined)[] = [];
  return {
    mechanism: 'TEST',
    responses,
    step(response) {
      responses.push(response?.toString());
      return steps.shift() ?? { kind: 'failure' };
    },
  };
}

const AUTH_OFFER: Offer = { startTls: true, mechanisms: ['TEST'], sizeLimitBytes: undefined };

describe('AUTH', () => {
  it('carries an exchange of several steps, in clear too while STARTTLS is offered', async () => {
    const challenges: SaslStep[] = ['one', ''].map((text) => ({ kind: 'challenge', data: Buffer.from(text) }));
    const sasl = scriptedSasl(...challenges, { kind: 'success', identity: 'hub01' });
    const policy = new ScriptedPolicy({ offered: AUTH_OFFER, sasl: () => sasl });
    let session: SmtpSession | undefined;
    policy.mail = (asked) => {
      session = asked;
      return undefined;
    };
    const client = await bench.greet(await bench.listen(policy));
    expect(await client.ask('auth test')).toBe(`334 ${btoa('one')}`);
    expect(await client.ask(btoa('answer'))).toBe('334 ');
    expect(await client.ask('')).toBe('235 2.7.0 Authentication successful');
    expect(sasl.responses).toEqual([undefined, 'answer', '']);
    await client.ask('MAIL FROM:<a@client.test>');
    expect(session?.authentication).toEqual({ mechanism: 'TEST', identity: 'hub01' });
    await client.ask('RSET');
    expect(await client.ask('AUTH TEST')).toMatch(/^503 5\.5\.1 /);
    expect(await client.ask('EHLO client.test')).not.toContain('AUTH');
  });

  it('takes an initial response, "=" being an empty one', async () => {
    const servers = [scriptedSasl({ kind: 'failure' }), scriptedSasl({ kind: 'success', identity: 'x' })];
    const [first, second] = servers;
    const client = await bench.greet(
      await bench.listen(new ScriptedPolicy({ offered: AUTH_OFFER, sasl: () => servers.shift() })),
    );
    expect(await client.ask('AUTH TEST =')).toBe('535 5.7.8 Authentication unsuccessful');
    expect(await client.ask(`AUTH TEST ${btoa('first')}`)).toMatch(/^235 /);
    expect([first?.responses, second?.responses]).toEqual([[''], ['first']]);
  });

  it.each([
    ['AUTH', /^501 5\.5\.4 /],
    ['AUTH TEST AA== more', /^501 5\.5\.4 /],
    ['AUTH PLAIN AA==', /^504 5\.5\.4 /],
    ['AUTH TEST A', /^501 5\.5\.2 /],
    ['AUTH TEST AA=A', /^501 5\.5\.2 /],
    ['AUTH TEST {}==', /^501 5\.5\.2 /],
  ])('answers "%s" with %s', async (line, expected) => {
    const client = await bench.greet(
      await bench.listen(new ScriptedPolicy({ offered: AUTH_OFFER, sasl: () => scriptedSasl() })),
    );
    expect(await client.ask(line)).toMatch(expected);
    expect(await client.ask('NOOP')).toMatch(/^250 /);
  });

  it.each([
    ['*', /^501 5\.7\.0 /],
    ['not base64', /^501 5\.5\.2 /],
    ['NOOP\0', /^500 5\.5\.2 /],
  ])('ends the exchange when the client answers "%s"', async (line, expected) => {
    const sasl = () => scriptedSasl({ kind: 'challenge', data: Buffer.from('?') });
    const client = await bench.greet(await bench.listen(new ScriptedPolicy({ offered: AUTH_OFFER, sasl })));
    await client.ask('AUTH TEST');
    expect(await client.ask(line)).toMatch(expected);
    expect(await client.ask('NOOP')).toMatch(/^250 /);
  });

  it('is refused before EHLO, within a transaction and where it is not offered', async () => {
    const policy = new ScriptedPolicy({ offered: AUTH_OFFER, sasl: () => scriptedSasl() });
    const client = await bench.dial(await bench.listen(policy));
    await client.reply();
    expect(await client.ask('AUTH TEST')).toMatch(/^503 /);
    await client.ask('EHLO client.test');
    await client.ask('MAIL FROM:<>');
    expect(await client.ask('AUTH TEST')).toMatch(/^503 /);
    await client.ask('RSET');
    policy.offered = PLAIN_OFFER;
    expect(await client.ask('AUTH TEST')).toMatch(/^502 5\.5\.1 /);
  });

  it('closes after the third failure, a broken mechanism counted in', async () => {
    const broken: SaslServer = {
      mechanism: 'TEST',
      step: () => {
        throw new Error('no verifier store');
      },
    };
    const servers = [scriptedSasl(), broken, scriptedSasl()];
    const client = await bench.greet(
      await bench.listen(new ScriptedPolicy({ offered: AUTH_OFFER, sasl: () => servers.shift() })),
    );
    expect(await client.ask('AUTH TEST AA==')).toMatch(/^535 5\.7\.8 /);
    expect(await client.ask('AUTH TEST AA==')).toMatch(/^454 4\.7\.0 /);
    expect(await client.ask('AUTH TEST AA==')).toMatch(/^421 4\.7\.0 /);
    await client.closed;
  });
});
