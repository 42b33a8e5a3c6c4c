// What each fault makes of a unit.

import { describe, expect, it } from 'vitest';
import { type FaultInput, readFaults } from '../../../src/meddle/fault.ts';
import { planFor, type Step } from '../../../src/meddle/plan.ts';
import type { Unit } from '../../../src/meddle/unit.ts';

const REPLY = '250-edge.test Hello\r\n250-SIZE 100\r\n250-STARTTLS\r\n250 CHUNKING\r\n';

function unit(text: string, more: Partial<Unit> = {}): Unit {
  return { side: 'client', layer: 'smtp', names: [], octets: Buffer.from(text), offset: 0, text, ...more };
}

/** Steps as a line, octets as text. */
function plan(fault: FaultInput, on: Unit): string[] {
  const [read] = readFaults([fault]);
  return read ? planFor(read, on).map(format) : [];
}

function format(step: Step): string {
  const rest = Object.entries(step).filter(([key]) => key !== 'do');
  return [
    step.do,
    ...rest.map(([, value]) => (Buffer.isBuffer(value) ? value.toString('latin1') : String(value))),
  ].join(' ');
}

describe('strip', () => {
  const reply = unit(REPLY, { side: 'server' });

  it('takes a keyword out of a reply, which stays a whole reply', () => {
    expect(plan({ at: 'EHLO reply', do: 'strip' }, reply)).toEqual([
      'pass 250-edge.test Hello\r\n250-SIZE 100\r\n250 CHUNKING\r\n',
    ]);
    expect(plan({ at: 'EHLO reply', do: 'strip', keyword: 'chunking' }, reply)).toEqual([
      'pass 250-edge.test Hello\r\n250-SIZE 100\r\n250 STARTTLS\r\n',
    ]);
  });

  it('masks it without changing any length, where that is wished', () => {
    expect(plan({ at: 'EHLO reply', do: 'strip', how: 'mask' }, reply)).toEqual([
      `pass ${REPLY.replace('STARTTLS', 'XXXXXXXX')}`,
    ]);
  });

  it('leaves the first line, which is a name and no keyword', () => {
    const named = unit('250-STARTTLS is my name\r\n250 SIZE\r\n', { side: 'server' });
    expect(plan({ at: 'EHLO reply', do: 'strip' }, named)).toEqual(['pass 250-STARTTLS is my name\r\n250 SIZE\r\n']);
  });
});

describe('answer', () => {
  it('is a reply in turn to a command, and takes the place of a reply', () => {
    const fault = { at: 'STARTTLS', do: 'answer', text: '454 4.7.0 No' } as const;
    expect(plan(fault, unit('STARTTLS\r\n'))).toEqual(['reply 454 4.7.0 No\r\n']);
    expect(plan(fault, unit('220 Go\r\n', { side: 'server' }))).toEqual(['pass 454 4.7.0 No\r\n']);
  });

  it('says in TLS the very octets to whoever spoke', () => {
    expect(plan({ at: 'ClientHello', do: 'answer', hex: '41 42' }, unit('x', { layer: 'tls' }))).toEqual([
      'say client AB',
    ]);
  });
});

describe('inject', () => {
  it('goes with the unit in one piece, behind it or before it', () => {
    const command = unit('STARTTLS\r\n');
    expect(plan({ at: 'STARTTLS', do: 'inject', text: 'RSET\r\n' }, command)).toEqual(['pass STARTTLS\r\nRSET\r\n']);
    expect(plan({ at: 'STARTTLS', do: 'inject', text: 'RSET\r\n', place: 'before' }, command)).toEqual([
      'pass RSET\r\nSTARTTLS\r\n',
    ]);
  });

  it('goes to the other side too', () => {
    expect(
      plan({ at: 'MAIL', do: 'inject', text: '421 x\r\n', to: 'client', place: 'before' }, unit('MAIL\r\n')),
    ).toEqual(['say client 421 x\r\n', 'pass MAIL\r\n']);
  });
});

describe('cut, reset and stall', () => {
  it.each(['cut', 'reset', 'stall'] as const)('%s before the unit, after so many octets, or after it', (how) => {
    const command = unit('MAIL FROM:<>\r\n');
    expect(plan({ at: 'MAIL', do: how }, command)).toEqual([`end ${how}`]);
    expect(plan({ at: 'MAIL', do: how, octets: 4 }, command)).toEqual(['pass MAIL', `end ${how}`]);
    expect(plan({ at: 'MAIL', do: how, place: 'after' }, command)).toEqual(['pass MAIL FROM:<>\r\n', `end ${how}`]);
  });

  it('counts the octets of a message over its pieces', () => {
    const fault = { at: 'body', do: 'cut', octets: 6 } as const;
    expect(plan(fault, unit('abcd'))).toEqual(['pass abcd']);
    expect(plan(fault, unit('efgh', { offset: 4 }))).toEqual(['pass ef', 'end cut']);
  });
});

describe('delay, split, throttle, corrupt and alert', () => {
  it('waits once for a message, however many pieces it has', () => {
    const fault = { at: 'body', do: 'delay', for: '2s' } as const;
    expect(plan(fault, unit('a'))).toEqual(['wait 2000', 'pass a']);
    expect(plan(fault, unit('b', { offset: 1 }))).toEqual(['pass b']);
  });

  it('splits, with pauses between the pieces', () => {
    expect(plan({ at: 'ClientHello', do: 'split', octets: 2, pause: '5ms' }, unit('abcde'))).toEqual([
      'pass ab',
      'wait 5',
      'pass cd',
      'wait 5',
      'pass e',
    ]);
  });

  it('sets a pace', () => {
    expect(plan({ at: 'ClientHello', do: 'throttle', octetsPerSecond: 10 }, unit('x'))).toEqual(['pace 10', 'pass x']);
  });

  it('turns over bits of one octet, counted from either end, and leaves the unit as it was', () => {
    const hello = unit('abc');
    expect(plan({ at: 'ClientHello', do: 'corrupt' }, hello)).toEqual(['pass abb']);
    expect(plan({ at: 'ClientHello', do: 'corrupt', offset: 0, mask: 3 }, hello)).toEqual(['pass bbc']);
    expect(plan({ at: 'ClientHello', do: 'corrupt', offset: 9 }, hello)).toEqual(['pass abc']);
    expect(hello.octets.toString()).toBe('abc');
  });

  it('sends an alert to whoever spoke, or to the other', () => {
    const alert = '\u0015\u0003\u0003\u0000\u0002\u0002F';
    expect(plan({ at: 'ClientHello', do: 'alert', code: 70 }, unit('x', { layer: 'tls' }))).toEqual([
      `say client ${alert}`,
    ]);
    expect(plan({ at: 'ClientHello', do: 'alert', code: 70, to: 'server' }, unit('x', { layer: 'tls' }))).toEqual([
      `say server ${alert}`,
    ]);
  });
});

describe('a fault that makes no sense', () => {
  it.each<[FaultInput, RegExp]>([
    [{ at: 'STARTLS', do: 'cut' }, /^faults\.0\.at: there is no point "STARTLS"; write connect, greeting/],
    [{ at: 'record 3', do: 'cut' }, /^faults\.0\.at: there is no point "record 3"/],
    [{ at: 'MAIL', do: 'answer' }, /^faults\.0\.text: either text or hex is needed/],
    [{ at: 'MAIL', do: 'terminate' }, /^faults\.0\.at: TLS is ended where it begins/],
    [{ at: 'EHLO', do: 'strip' }, /^faults\.0\.at: a keyword stands in a reply/],
    [{ at: 'connect', do: 'corrupt' }, /^faults\.0\.do: at connect there is nothing/],
  ])('is refused: %j', (fault, sentence) => {
    expect(() => readFaults([fault])).toThrow(
      expect.objectContaining({ code: 'meddle-invalid', message: expect.stringMatching(sentence) as string }),
    );
  });
});
