import { rename, writeFile } from "node:fs/promises";

/** Replaces a file in one step, readable by its owner only. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, file);
}
