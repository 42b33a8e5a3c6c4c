// The schema as a file that OpenLDAP's slapd includes (slapd.conf(5)): what is this project's own, under its own object
// identifiers, that slapd can hold the same tree. Types and classes of the standards come from slapd's own core.schema.

import { OBJECT_CLASSES } from './schema.ts';
import { ATTRIBUTE_TYPES, OWN_ARC } from './schema-attributes.ts';
import { describeAttributeType, describeObjectClass } from './schema-text.ts';

const HEAD = `# relaypair's schema for OpenLDAP's slapd. Printed by "relaypair schema"; do not edit.
# Include it after core.schema. Operational attributes of the embedded directory are not in it: slapd keeps its own.
`;

const LINE_LENGTH = 110;

/** The whole file. The same text for the same schema, attribute types before the classes that name them. */
export function formatSlapdSchema(): string {
  const types = ATTRIBUTE_TYPES.filter((type) => isOwn(type) && !type.isOperational);
  const lines = [
    ...types.map((type) => fold(`attributetype ${describeAttributeType(type)}`)),
    ...OBJECT_CLASSES.filter(isOwn).map((objectClass) => fold(`objectclass ${describeObjectClass(objectClass)}`)),
  ];
  return `${HEAD}\n${lines.join('\n')}\n`;
}

function isOwn({ oid }: { readonly oid: string }): boolean {
  return oid.startsWith(`${OWN_ARC}.`);
}

/** A line that begins with a blank continues the one before. */
function fold(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length < LINE_LENGTH) lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
    else lines.push(`  ${word}`);
  }
  return lines.join('\n');
}
