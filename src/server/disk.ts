import { createWriteStream, statfsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DatabaseError } from "./engine/engine";

/** Free space that an upload must leave on its disk. */
export const KEEP_FREE_BYTES = 512 * 1024 ** 2;
const LOOK_AT_DISK_EVERY_BYTES = 64 * 1024 ** 2;

export async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/**
 * Writes a new file that only its owner can read. The file is closed when this resolves or rejects, so that the caller
 * can remove it: after an early failure, it may not even be open yet.
 */
export async function writeNewFile(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  const file = createWriteStream(path, { mode: 0o600 });
  const closed = new Promise<void>((resolve) => file.once("close", resolve));
  try {
    await pipeline(chunks instanceof Readable ? chunks : Readable.from(chunks), file, { signal });
  } finally {
    await closed;
  }
}

/** SQLSTATE disk_full. */
export const DISK_FULL = "53100";
/** Messages of a full disk. CARTO's quota has the same SQLSTATE but another message. */
const OF_A_DISK = /No space left on device|wrote only \d+ of \d+ bytes/;
/**
 * SQLSTATEs crash_shutdown and cannot_connect_now, with which the embedded database fails if it cannot write its log.
 */
const CRASHES = new Set(["57P02", "57P03"]);
/** A crash with less free space than four log files (16 MB each) is taken for a full disk. */
const ROOM_FOR_LOG_BYTES = 64 * 1024 ** 2;

/** True if an error of PostgreSQL means a full disk, not an exceeded quota. */
export function saysDiskFull({
  code,
  message,
}: {
  readonly code: string;
  readonly message: string;
}): boolean {
  return code === DISK_FULL && OF_A_DISK.test(message);
}

/** Returns a clearer error if the disk of `dir` is full; otherwise the error itself. */
export async function explainFullDisk(error: unknown, dir: string): Promise<unknown> {
  const { code = "", message = "" } = (error ?? {}) as { code?: string; message?: string };
  if (code !== "ENOSPC" && !saysDiskFull({ code, message }) && !CRASHES.has(code)) return error;
  const free = await freeBytes(dir);
  if (CRASHES.has(code) && free >= ROOM_FOR_LOG_BYTES) return error;
  return new DatabaseError(
    `the disk is full: the operation needs more than the ${megabytes(free)} free in ${dir}`,
    {
      code: DISK_FULL,
      hint: "Committed data is safe. Delete tables or files you no longer need, then try again.",
    },
    { cause: error },
  );
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MB`;
}

/** Destination of an upload. */
export interface Room {
  readonly dir: string;
  /** Used in messages, such as `table`. */
  readonly what: string;
  /** Returns the free space in bytes; by default of the disk of `dir`. */
  readonly free?: () => Promise<number>;
}

function noRoom(what: string, bytes: number, free: number, dir: string): string {
  return `The disk is too full for a ${what} of more than ${megabytes(bytes)}: ${megabytes(free)} are free in ${dir}, and ${megabytes(KEEP_FREE_BYTES)} of that stay reserved`;
}

/**
 * Passes the chunks on, and checks the free space from time to time.
 * @param refuse creates the error to throw if the chunks, and as many bytes again for the table, would leave too little space
 */
export async function* leavingRoom(
  chunks: AsyncIterable<Uint8Array>,
  { dir, what, free = () => freeBytes(dir) }: Room,
  refuse: (message: string) => Error,
): AsyncGenerator<Uint8Array> {
  const check = new RoomCheck({ dir, what }, refuse);
  for await (const chunk of chunks) {
    if (check.isDueAfter(chunk.length)) check.compare(await free());
    yield chunk;
  }
}

/**
 * Checks the free space like `leavingRoom`, for code that cannot wait. Returns a function that takes the length of each
 * chunk before it is written.
 */
export function roomChecker(
  room: Pick<Room, "dir" | "what">,
  refuse: (message: string) => Error,
): (length: number) => void {
  const check = new RoomCheck(room, refuse);
  return (length) => {
    if (!check.isDueAfter(length)) return;
    const { bavail, bsize } = statfsSync(room.dir);
    check.compare(bavail * bsize);
  };
}

/** Counts the bytes of an upload, and says when to look at the disk. */
class RoomCheck {
  readonly #room: Pick<Room, "dir" | "what">;
  readonly #refuse: (message: string) => Error;
  #bytes = 0;
  #lookAt = LOOK_AT_DISK_EVERY_BYTES;

  constructor(room: Pick<Room, "dir" | "what">, refuse: (message: string) => Error) {
    this.#room = room;
    this.#refuse = refuse;
  }

  isDueAfter(length: number): boolean {
    this.#bytes += length;
    if (this.#bytes < this.#lookAt) return false;
    this.#lookAt = this.#bytes + LOOK_AT_DISK_EVERY_BYTES;
    return true;
  }

  /** @param free free space in bytes */
  compare(free: number): void {
    const { dir, what } = this.#room;
    if (free < this.#bytes + KEEP_FREE_BYTES) throw this.#refuse(noRoom(what, this.#bytes, free, dir));
  }
}
