import { statfs } from "node:fs/promises";
import { DatabaseError } from "./engine/engine";

/** An upload leaves at least this much of its disk free. */
const KEEP_FREE_BYTES = 512 * 1024 ** 2;
const LOOK_AT_DISK_EVERY_BYTES = 64 * 1024 ** 2;

/** What is left for us on the disk of `dir`. */
export async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/** SQLSTATE disk_full. */
export const DISK_FULL = "53100";
/** What PostgreSQL says of a disk, where CARTO's quota, which has the same code, says another thing. */
const OF_A_DISK = /No space left on device|wrote only \d+ of \d+ bytes/;
/** SQLSTATEs crash_shutdown, cannot_connect_now: how the embedded database ends when it cannot write its log. */
const CRASHES = new Set(["57P02", "57P03"]);
/** A database that crashes with less than four files of its log (16 MB each) to write to has met the end of the disk. */
const ROOM_FOR_LOG_BYTES = 64 * 1024 ** 2;

/** Whether an error of PostgreSQL's means a disk, and not a quota. */
export function saysDiskFull({
  code,
  message,
}: {
  readonly code: string;
  readonly message: string;
}): boolean {
  return code === DISK_FULL && OF_A_DISK.test(message);
}

/** The error itself, or one that tells that the disk of `dir` is full, how much is free, and what to do. */
export async function explainFullDisk(error: unknown, dir: string): Promise<unknown> {
  const { code = "", message = "" } = (error ?? {}) as { code?: string; message?: string };
  if (code !== "ENOSPC" && !saysDiskFull({ code, message }) && !CRASHES.has(code)) return error;
  const free = await freeBytes(dir);
  if (CRASHES.has(code) && free >= ROOM_FOR_LOG_BYTES) return error;
  return new DatabaseError(
    `the disk is full: this needs more than the ${megabytes(free)} that are free in ${dir}`,
    {
      code: DISK_FULL,
      hint: "What was committed before is safe. Delete tables or files that are not needed, then run it again.",
    },
    { cause: error },
  );
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MB`;
}

export interface Room {
  readonly dir: string;
  readonly what: string;
  readonly free?: () => Promise<number>;
}

function noRoom(what: string, bytes: number, free: number, dir: string): string {
  return `The disk has no room for a ${what} of more than ${megabytes(bytes)}: ${megabytes(free)} are free in ${dir}, of which ${megabytes(KEEP_FREE_BYTES)} are kept`;
}

/**
 * Hands the chunks on and looks at the disk now and then, before it is full.
 * @param what they become: "table"
 * @param refuse makes the error to throw when they, and as many bytes again for the table, leave too little
 */
export async function* leavingRoom(
  chunks: AsyncIterable<Uint8Array>,
  { dir, what, free = () => freeBytes(dir) }: Room,
  refuse: (message: string) => Error,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  let lookAt = LOOK_AT_DISK_EVERY_BYTES;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes >= lookAt) {
      lookAt = bytes + LOOK_AT_DISK_EVERY_BYTES;
      const freeNow = await free();
      if (freeNow < bytes + KEEP_FREE_BYTES) throw refuse(noRoom(what, bytes, freeNow, dir));
    }
    yield chunk;
  }
}
