// Text inside an ESMTP parameter: xtext (RFC 3461 §4) and the escapes of internationalised addresses (RFC 6533 §3). Pure.

/** xtext: printable ASCII but "+" and "=", all else as +HH. */
export function encodeXtext(text: string): string {
  return Array.from(Buffer.from(text, 'utf8'), (octet) => {
    const character = String.fromCharCode(octet);
    return /[!-*,-<>-~]/.test(character) ? character : `+${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

/** Undefined when it is no xtext or hides anything but printable ASCII: a smuggled CRLF would forge headers. */
export function decodeXtext(text: string): string | undefined {
  if (!/^(?:[!-*,-<>-~]|\+[0-9A-Fa-f]{2})*$/.test(text)) return undefined;
  const decoded = text.replaceAll(/\+([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return /^[ -~]*$/.test(decoded) ? decoded : undefined;
}

/**
 * An address in the utf-8-addr-xtext form, which is ASCII, or in the utf-8-addr-unitext form, where letters beyond it stay.
 * Escapes that it has already stay as they are.
 */
export function escapeUtf8Address(address: string, form: 'xtext' | 'unitext'): string {
  const unsafe =
    form === 'xtext' ? /\\x\{[0-9A-Fa-f]+\}|[^!-*,-<>-[\]-~]/gu : /\\x\{[0-9A-Fa-f]+\}|[\0- +=\\\x7f-\x9f]/gu;
  return address.replaceAll(unsafe, (found) =>
    found.length > 2 ? found : `\\x{${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')}}`,
  );
}

/** The address that such escapes stand for; what is no escape of a character stays as it is. */
export function unescapeUtf8Address(text: string): string {
  return text.replaceAll(/\\x\{([0-9A-Fa-f]{2,6})\}/g, (escape, hex: string) => {
    const code = Number.parseInt(hex, 16);
    return code <= 0x10_ffff ? String.fromCodePoint(code) : escape;
  });
}
