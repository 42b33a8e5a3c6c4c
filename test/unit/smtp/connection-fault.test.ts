import { describe, expect, it } from 'vitest';
import { describeFault } from '../../../src/smtp/connection-fault.ts';

function makeError(fields: object): Error {
  return Object.assign(new Error('any text'), fields);
}

describe('the fault of a connection', () => {
  it.each([
    [
      { code: 'ESOCKET', originalCode: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' },
      'alert',
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    ],
    [
      { code: 'ESOCKET', originalCode: 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE' },
      'alert',
      'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
    ],
    [{ code: 'ESOCKET', originalCode: 'ERR_SSL_WRONG_VERSION_NUMBER' }, 'protocol', 'ERR_SSL_WRONG_VERSION_NUMBER'],
    [{ code: 'EPROTOCOL', originalCode: 'REPLY_MALFORMED' }, 'protocol', 'REPLY_MALFORMED'],
    [{ code: 'EPROTOCOL' }, 'protocol', 'EPROTOCOL'],
    [{ code: 'ESOCKET', originalCode: 'ECONNRESET', syscall: 'read' }, 'reset', 'ECONNRESET'],
    [{ code: 'ESOCKET', originalCode: 'EPIPE', syscall: 'write' }, 'reset', 'EPIPE'],
    [{ code: 'ESOCKET', originalCode: 'ECONNRESET' }, 'closed', 'ECONNCLOSED'],
    [{ code: 'ECONNECTION' }, 'closed', 'ECONNCLOSED'],
    [{ code: 'ETLS' }, 'closed', 'ECONNCLOSED'],
    [{ code: 'ETIMEDOUT' }, 'timeout', 'ETIMEDOUT'],
    [{}, 'protocol', 'EUNKNOWN'],
  ])('of %j is %s', (fields, cause, code) => {
    expect(describeFault(makeError(fields))).toEqual({ cause, code, reply: undefined });
  });

  it('carries the reply that ended it', () => {
    expect(describeFault(makeError({ code: 'EPROTOCOL', response: '421 4.3.2 Bye' })).reply).toEqual({
      code: 421,
      enhanced: '4.3.2',
      text: 'Bye',
    });
  });
});
