import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { asFailure } from "../errors";
import { counted, write } from "./rules";

/** Writes the content of a gzip file to `to`. */
export async function gunzip(
  path: string,
  to: string,
  packedBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const plain = createReadStream(path).pipe(createGunzip());
  await write(counted(plain, packedBytes), to, signal).catch((error) => {
    throw asFailure(error, 1003);
  });
}
