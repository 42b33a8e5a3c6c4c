import { describe, expect, it } from 'vitest';
import { ExternalClient, ExternalServer } from '../../../src/smtp/external.ts';

describe('SASL EXTERNAL', () => {
  it('asks for the identity of the certificate with an empty initial response', () => {
    const client = new ExternalClient();
    expect(client.initialResponse()).toHaveLength(0);
    expect(client.respond(Buffer.alloc(0))).toHaveLength(0);
    expect(client.serverProven).toBe(true);
  });

  it.each(['', 'edge.example'])('grants the proven identity to a client that asks for %j', (asked) => {
    const server = new ExternalServer('edge.example');
    expect(server.step(Buffer.from(asked))).toEqual({ kind: 'success', identity: 'edge.example' });
  });

  it('asks for the response with an empty challenge when the client sent none', () => {
    const server = new ExternalServer('edge.example');
    expect(server.step(undefined)).toEqual({ kind: 'challenge', data: Buffer.alloc(0) });
    expect(server.step(Buffer.alloc(0))).toEqual({ kind: 'success', identity: 'edge.example' });
  });

  it('fails when the client asks for another identity', () => {
    expect(new ExternalServer('edge.example').step(Buffer.from('hub.example'))).toEqual({ kind: 'failure' });
  });

  it('fails every exchange when the channel proved nobody', () => {
    expect(new ExternalServer(undefined).step(Buffer.alloc(0))).toEqual({ kind: 'failure' });
  });

  it('fails a second exchange on the same object, after success and after failure alike', () => {
    const granted = new ExternalServer('edge.example');
    granted.step(Buffer.alloc(0));
    expect(granted.step(Buffer.alloc(0))).toEqual({ kind: 'failure' });
    const refused = new ExternalServer('edge.example');
    refused.step(Buffer.from('x'));
    expect(refused.step(Buffer.alloc(0))).toEqual({ kind: 'failure' });
  });

  it('fails when the client stays silent twice', () => {
    const server = new ExternalServer('edge.example');
    server.step(undefined);
    expect(server.step(undefined)).toEqual({ kind: 'failure' });
  });
});
