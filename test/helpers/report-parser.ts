// Reports as Python's email package reads them: somebody else's idea of MIME and of RFC 3464.

import { requirePeer } from './peers.ts';
import { runToSuccess } from './program.ts';

/** A part of the message's tree, as Python walked it. */
export interface ParsedReport {
  /** Content types in the order of the walk. */
  readonly types: readonly string[];
  /** What Python found wrong with any part or header field. */
  readonly defects: readonly string[];
  readonly header: Readonly<Record<string, string>>;
  readonly reportType: string | null;
  readonly text: string;
  readonly html: string;
  /** The groups of the machine's part, the message's first. */
  readonly groups: readonly Readonly<Record<string, string>>[];
  /** Header fields of the message that is returned. */
  readonly returned: Readonly<Record<string, string>>;
}

const SCRIPT = `
import email, email.policy, json, sys
message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
def fields(part):
    return {name.lower(): str(value) for name, value in part.items()}
defects = []
for part in message.walk():
    defects += [type(defect).__name__ for defect in part.defects]
    for name, value in part.items():
        defects += [name + ': ' + type(defect).__name__ for defect in getattr(value, 'defects', ())]
words, status, returned = message.get_payload()
text, html = words.get_payload()
kind = returned.get_content_type()
if kind in ('message/rfc822', 'message/global'):
    origin = returned.get_payload()[0]
elif kind == 'text/rfc822-headers':
    origin = email.message_from_bytes(returned.get_payload(decode=True), policy=email.policy.default)
else:
    origin = returned.get_payload()[0] if returned.is_multipart() else returned
if status.get_content_type() == 'message/delivery-status':
    groups = [fields(group) for group in status.get_payload()]
else:
    groups = []
print(json.dumps({
    'types': [part.get_content_type() for part in message.walk()],
    'defects': defects,
    'header': fields(message),
    'reportType': message.get_param('report-type'),
    'text': text.get_content(),
    'html': html.get_content(),
    'groups': groups,
    'returned': fields(origin),
}))
`;

/** For `describe.skipIf(!hasReportParser)`. */
export const hasReportParser = requirePeer('python3');

/** Rejects when Python cannot make a report of it. */
export async function parseReport(octets: Buffer): Promise<ParsedReport> {
  const { stdout } = await runToSuccess('python3', ['-c', SCRIPT], { input: octets });
  return JSON.parse(stdout) as ParsedReport;
}
