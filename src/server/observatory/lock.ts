/** Only one changes the catalog at a time; the number is "obs" as ASCII. */
export const LOCK_SQL = `pg_advisory_xact_lock(${0x6f6273})`;
