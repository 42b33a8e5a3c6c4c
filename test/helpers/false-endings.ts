// Octets that some server has once taken for the end of a body although only CRLF, dot, CRLF is one (RFC 5321 §4.1.1.4): those of
// SEC Consult's "SMTP smuggling" and of what was published after it.

export interface FalseEnding {
  readonly name: string;
  /** Written between two lines of a body in place of their CRLF. */
  readonly octets: string;
  /** A bare CR or LF, a dot behind NULs, or text to everybody: a body with the first two is refused. */
  readonly kind: 'bare' | 'hidden' | 'text';
}

function bare(name: string, octets: string): FalseEnding {
  return { name, octets, kind: 'bare' };
}

function hidden(name: string, octets: string): FalseEnding {
  return { name, octets, kind: 'hidden' };
}

function text(name: string, octets: string): FalseEnding {
  return { name, octets, kind: 'text' };
}

export const FALSE_ENDINGS: readonly FalseEnding[] = [
  bare('<LF>.<LF>', '\n.\n'),
  bare('<LF>.<CR><LF>', '\n.\r\n'),
  bare('<LF>.<CR>', '\n.\r'),
  bare('<CR>.<CR>', '\r.\r'),
  bare('<CR>.<LF>', '\r.\n'),
  bare('<CR>.<CR><LF>', '\r.\r\n'),
  bare('<CR><LF>.<CR>', '\r\n.\r'),
  bare('<CR><LF>.<LF>', '\r\n.\n'),
  bare('<CR><CR><LF>.<CR><CR><LF>', '\r\r\n.\r\r\n'),
  bare('<CR><LF>.<CR><CR><LF>', '\r\n.\r\r\n'),
  bare('<CR><CR><LF>.<CR><LF>', '\r\r\n.\r\n'),
  bare('<LF><CR>.<LF><CR>', '\n\r.\n\r'),
  bare('<LF><LF>.<CR><LF>', '\n\n.\r\n'),
  bare('<CR><LF>.<CR><NUL><LF>', '\r\n.\r\0\n'),
  bare('<CR><NUL><LF>.<CR><LF>', '\r\0\n.\r\n'),
  hidden('<CR><LF><NUL>.<CR><LF>', '\r\n\0.\r\n'),
  hidden('<CR><LF><NUL><NUL>.<NUL><CR><LF>', '\r\n\0\0.\0\r\n'),
  text('<CR><LF>.<NUL><CR><LF>', '\r\n.\0\r\n'),
  text('<CR><LF>.<SP><CR><LF>', '\r\n. \r\n'),
  text('<CR><LF><SP>.<CR><LF>', '\r\n .\r\n'),
  text('<CR><LF>.<TAB><CR><LF>', '\r\n.\t\r\n'),
  text('<CR><LF>..<CR><LF>', '\r\n..\r\n'),
  text('<CR><LF>.<VT><CR><LF>', '\r\n.\v\r\n'),
  text('<FF>.<FF>', '\f.\f'),
  text('<NEL>.<NEL>', '\xc2\x85.\xc2\x85'),
  text('<U+2028>.<U+2028>', '\xe2\x80\xa8.\xe2\x80\xa8'),
  text('<CR><LF>.<BS><CR><LF>', '\r\n.\b\r\n'),
];

/** A message with a second one hidden behind the false ending; it ends in its true dot. One octet a character. */
export function smugglingBody(ending: string): Buffer {
  const hidden =
    'MAIL FROM:<evil@client.test>\r\nRCPT TO:<b@listener.test>\r\nDATA\r\nSubject: evil\r\n\r\nsmuggled\r\n';
  return Buffer.from(`Subject: harmless\r\n\r\nfirst${ending}${hidden}.\r\n`, 'latin1');
}
