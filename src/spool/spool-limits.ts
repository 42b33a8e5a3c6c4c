// What holds for the owner of a spool and for its workers alike.

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bodies up to this size are kept in the database. */
export const INLINE_LIMIT_BYTES = 256 * KIB;

/** New mail is refused when the disk has less than this left. */
export const RESERVE_SIZE_BYTES = 32 * MIB;
