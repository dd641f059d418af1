import type { Progress, ProgressState } from "../kernel/progress";

/** Passes bytes on and shows how many they are. */
export async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  progress: Progress,
  state: Pick<ProgressState, "total" | "note"> = {},
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of bytes) {
    yield chunk;
    done += chunk.length;
    progress.update({ ...state, done, unit: "bytes" });
  }
}
