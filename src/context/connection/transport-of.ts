import type { Transport } from "../../api/transport";
import { InvalidArgumentError } from "../../errors";
import type { CartoContext } from "../carto-context";

const transports = new WeakMap<object, Transport>();

/** Lets the other classes of this folder use a context's transport, which its public type does not have. */
export function shareTransport(context: CartoContext, transport: Transport): void {
  transports.set(context, transport);
}

/** @throws InvalidArgumentError for anything but a context */
export function transportOf(context: CartoContext): Transport {
  const transport = transports.get(context);
  if (!transport) throw new InvalidArgumentError("The first argument must be a CartoContext, such as cc.");
  return transport;
}
