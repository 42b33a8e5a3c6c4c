// Base64 as SASL wants it read (RFC 4648 §4): strictly, padding and all. Buffer.from alone skips over rubbish.

/** The octets, or undefined when `text` is not exactly what encoding them would give. */
export function decodeBase64(text: string): Buffer | undefined {
  const data = Buffer.from(text, 'base64');
  return data.toString('base64') === text ? data : undefined;
}
