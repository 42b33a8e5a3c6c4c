// What a fault makes of a unit: steps to be taken one after the other. Pure, so that every fault can be looked at without a wire.

import { type Fault, octetsOf } from './fault.ts';
import { otherSide, type Side, type Unit } from './unit.ts';

export type Step =
  /** On to where the unit was going. */
  | { readonly do: 'pass'; readonly octets: Buffer }
  /** To one of the two sides, out of turn. */
  | { readonly do: 'say'; readonly to: Side; readonly octets: Buffer }
  /** In place of the server, after the replies that are still due; the unit itself goes nowhere. */
  | { readonly do: 'reply'; readonly octets: Buffer }
  | { readonly do: 'wait'; readonly ms: number }
  /** From now on no faster in this direction. */
  | { readonly do: 'pace'; readonly octetsPerSecond: number }
  | { readonly do: 'end'; readonly how: 'cut' | 'reset' | 'stall' };

const CRLF = '\r\n';

/** The steps for a unit that a fault is for. `terminate` is no step: it changes what follows, and the unit passes. */
export function planFor(fault: Fault, unit: Unit): readonly Step[] {
  const pass = (octets: Buffer): Step => ({ do: 'pass', octets });
  // What is done once to a message is done to its first piece.
  const isContinued = unit.offset > 0;
  switch (fault.do) {
    case 'strip':
      return [pass(stripKeyword(unit.octets, fault))];
    case 'answer':
      return isContinued ? [] : [answerTo(unit, fault)];
    case 'inject':
      return isContinued ? [pass(unit.octets)] : inject(unit, fault);
    case 'cut':
    case 'reset':
    case 'stall':
      return end(unit, fault);
    case 'delay':
      return isContinued ? [pass(unit.octets)] : [{ do: 'wait', ms: fault.for }, pass(unit.octets)];
    case 'split':
      return split(unit.octets, fault)
        .map(pass)
        .flatMap((step, index) => pauseBefore(step, index, fault.pause));
    case 'throttle':
      return [{ do: 'pace', octetsPerSecond: fault.octetsPerSecond }, pass(unit.octets)];
    case 'corrupt':
      return [pass(corrupt(unit, fault))];
    case 'alert':
      return isContinued ? [] : [{ do: 'say', to: fault.to ?? unit.side, octets: fatalAlert(fault.code) }];
    default:
      return [pass(unit.octets)];
  }
}

/** A reply of several lines stays one: the last line is the one without a hyphen (RFC 5321 §4.2.1). */
function stripKeyword(reply: Buffer, { keyword, how }: Extract<Fault, { do: 'strip' }>): Buffer {
  const lines = reply.toString('latin1').split(CRLF).slice(0, -1);
  const isMeant = (line: string): boolean => line.slice(4).split(' ')[0]?.toUpperCase() === keyword.toUpperCase();
  const kept =
    how === 'remove'
      ? lines.filter((line, index) => index === 0 || !isMeant(line))
      : // As some firewalls do it, so that no length changes.
        lines.map((line) => (isMeant(line) ? line.slice(0, 4) + 'X'.repeat(line.length - 4) : line));
  const whole = kept.map((line, index) => `${line.slice(0, 3)}${index < kept.length - 1 ? '-' : ' '}${line.slice(4)}`);
  return Buffer.from(whole.map((line) => line + CRLF).join(''), 'latin1');
}

function answerTo(unit: Unit, fault: Extract<Fault, { do: 'answer' }>): Step {
  // In SMTP the end of the line is understood; in TLS every octet is meant as it is.
  const { text } = fault;
  const isLine = unit.layer === 'smtp' && text !== undefined;
  const octets = isLine ? Buffer.from(text.replaceAll(/\r?\n/g, CRLF) + CRLF) : octetsOf(fault);
  if (unit.layer === 'tls') return { do: 'say', to: unit.side, octets };
  return unit.side === 'client' ? { do: 'reply', octets } : { do: 'pass', octets };
}

function inject(unit: Unit, fault: Extract<Fault, { do: 'inject' }>): readonly Step[] {
  const octets = octetsOf(fault);
  const receiver = otherSide(unit.side);
  const to = fault.to ?? receiver;
  // In one write with the unit: whoever reads on after its line has it in hand already.
  if (to === receiver) {
    const both = fault.place === 'before' ? [octets, unit.octets] : [unit.octets, octets];
    return [{ do: 'pass', octets: Buffer.concat(both) }];
  }
  const steps: Step[] = [
    { do: 'say', to, octets },
    { do: 'pass', octets: unit.octets },
  ];
  return fault.place === 'before' ? steps : steps.toReversed();
}

function end(unit: Unit, fault: Extract<Fault, { do: 'cut' | 'reset' | 'stall' }>): readonly Step[] {
  const room = fault.place === 'after' ? unit.octets.length : Math.max(0, fault.octets - unit.offset);
  // Of a message that comes in pieces more may follow before its place is reached.
  if (fault.place === 'before' && room >= unit.octets.length && unit.octets.length > 0)
    return [{ do: 'pass', octets: unit.octets }];
  const passed = unit.octets.subarray(0, room);
  const last = { do: 'end', how: fault.do } as const;
  return passed.length === 0 ? [last] : [{ do: 'pass', octets: passed }, last];
}

function split(octets: Buffer, { octets: size }: Extract<Fault, { do: 'split' }>): Buffer[] {
  const count = Math.ceil(octets.length / size);
  return Array.from({ length: count }, (_, index) => octets.subarray(index * size, (index + 1) * size));
}

function pauseBefore(step: Step, index: number, ms: number): Step[] {
  return index === 0 || ms === 0 ? [step] : [{ do: 'wait', ms }, step];
}

function corrupt(unit: Unit, { offset, mask }: Extract<Fault, { do: 'corrupt' }>): Buffer {
  const place = offset < 0 ? unit.octets.length + offset : offset - unit.offset;
  const octet = unit.octets[place];
  if (octet === undefined) return unit.octets;
  const changed = Buffer.from(unit.octets);
  changed[place] = octet ^ mask;
  return changed;
}

/** A TLS record with an alert in it (RFC 8446 §6). */
function fatalAlert(code: number): Buffer {
  return Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, code]);
}
