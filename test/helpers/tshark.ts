// Wireshark's dissectors, asked about a file in one go. Checksums are verified, which Wireshark by itself does not do.

import { runToSuccess } from './program.ts';

/** What is asked of each packet. */
const FIELDS = {
  time: 'frame.time_epoch',
  comment: 'frame.comment',
  source: 'ip.src',
  source6: 'ipv6.src',
  sourcePort: 'tcp.srcport',
  targetPort: 'tcp.dstport',
  syn: 'tcp.flags.syn',
  reset: 'tcp.flags.reset',
  payload: 'tcp.payload',
  handshake: 'tls.handshake.type',
  version: 'tls.handshake.version',
  newVersion: 'tls.handshake.extensions.supported_version',
  appData: 'tls.app_data',
  alert: 'tls.alert_message.desc',
  serverName: 'tls.handshake.extensions_server_name',
  serialNumber: 'x509af.serialNumber',
  /** Four letters are a command to tshark. */
  command: 'smtp.req.command',
  parameter: 'smtp.req.parameter',
  reply: 'smtp.response.code',
  replyParameter: 'smtp.rsp.parameter',
  dataLength: 'smtp.data.reassembled.length',
  subject: 'imf.subject',
  operation: 'ldap.protocolOp',
  bindName: 'ldap.name',
  malformed: '_ws.malformed',
  short: '_ws.short',
  analysis: 'tcp.analysis.flags',
  tcpChecksum: 'tcp.checksum.status',
  ipChecksum: 'ip.checksum.status',
  expert: '_ws.expert.message',
} as const;

type Field = keyof typeof FIELDS;
type Packet = Readonly<Record<Field, string>>;

const GOOD = '1';

export class Dissection {
  readonly packets: readonly Packet[];

  private constructor(packets: readonly Packet[]) {
    this.packets = packets;
  }

  /** `decode`: "tcp.port==2525,smtp", for ports that Wireshark does not know. */
  static async of(file: string, ...decode: readonly string[]): Promise<Dissection> {
    const checks = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'];
    const how = decode.flatMap((rule) => ['-d', rule]);
    const columns = ['-T', 'fields', ...Object.values(FIELDS).flatMap((field) => ['-e', field])];
    const ran = await runToSuccess('tshark', ['-n', '-r', file, ...checks, ...how, ...columns]);
    const names = Object.keys(FIELDS);
    const packets = ran.stdout.split('\n').flatMap((line) => {
      if (line === '') return [];
      const values = line.split('\t');
      return [Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])) as Packet];
    });
    return new Dissection(packets);
  }

  /** Where the field is there, its values in the order of packets. */
  all(field: Field): string[] {
    return this.packets.map((packet) => packet[field]).filter((value) => value !== '');
  }

  /** The same with several of one packet apart. */
  each(field: Field): string[] {
    return this.all(field).flatMap((value) => value.split(','));
  }

  /** Packets that no sound capture has: malformed, cut, a wrong checksum, a remark of TCP's analysis. */
  get unsound(): Partial<Packet>[] {
    if (this.packets.length < 3) throw new Error('there are no packets');
    return this.packets
      .filter(
        ({ malformed, short, analysis, tcpChecksum, ipChecksum }) =>
          `${malformed}${short}${analysis}` !== '' || tcpChecksum !== GOOD || !['', GOOD].includes(ipChecksum),
      )
      .map((packet) => Object.fromEntries(Object.entries(packet).filter(([, value]) => value !== '')));
  }
}
