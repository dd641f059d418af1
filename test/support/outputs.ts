import type { Output } from "./jupyter";

/** The outputs of a cell without its progress line, which comes or not as the machine is slow or fast. */
export function lasting(outputs: readonly Output[]): Output[] {
  return outputs.filter((output) => !("metadata" in output && "cartoframes" in output.metadata));
}
