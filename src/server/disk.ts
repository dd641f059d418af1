import { statfs } from "node:fs/promises";

/** An upload leaves at least this much of its disk free. */
export const KEEP_FREE_BYTES = 512 * 1024 ** 2;
export const LOOK_AT_DISK_EVERY_BYTES = 64 * 1024 ** 2;

/** What is left for us on the disk of `dir`. */
export async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/**
 * Hands the chunks on and looks at the disk now and then, before it is full.
 * @param tooMuch the error to throw when `bytes` so far, and as many again for the table, leave too little
 */
export async function* leavingRoom(
  chunks: AsyncIterable<Uint8Array>,
  free: () => Promise<number>,
  tooMuch: (bytes: number) => Error,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  let lookAt = LOOK_AT_DISK_EVERY_BYTES;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes >= lookAt) {
      lookAt = bytes + LOOK_AT_DISK_EVERY_BYTES;
      if ((await free()) < bytes + KEEP_FREE_BYTES) throw tooMuch(bytes);
    }
    yield chunk;
  }
}
