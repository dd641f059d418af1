import { open } from "node:fs/promises";
import { basename } from "node:path";

/** A local file, and its original name. */
export interface FileToImport {
  readonly path: string;
  /** Original name, with extension and without folders. */
  readonly name: string;
  /** Folder inside the archive, below the name of the archive: `trees/2017`. It tells files of one name apart. */
  readonly folder?: string;
  /** Encoding that the Content-Type of the file declares. */
  readonly charset?: string;
}

/** Returns the `charset` of a Content-Type, as a member of `FileToImport`. */
export function charsetOf(contentType: string | null | undefined): { charset?: string } {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType ?? "")?.[1];
  return charset === undefined ? {} : { charset };
}

/** Returns the first bytes of a file, fewer if it is shorter. */
export async function firstBytes(path: string, length: number): Promise<Buffer> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Names of a file that holds one layer. */
export function layerOfFile({ name }: FileToImport): { name: string; layer: string; file: string } {
  const stem = withoutExtension(name);
  return { name: stem, layer: stem, file: name };
}

/** Removes the last extension: `trees.csv` becomes `trees`. */
export const withoutExtension = (name: string) => basename(name).replace(/(?<=.)\.[^.]*$/, "");
