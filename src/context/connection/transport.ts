import type { Endpoint, EndpointSource } from "../../api/endpoint";
import { Transport, type TransportOptions } from "../../api/transport";
import { InvalidArgumentError } from "../../errors";
import { readSchema } from "./account";

/**
 * Returns a transport that sends nothing before the server has accepted the key. All requests share one check; if it
 * fails, the next request checks again. The key of the local server is not checked.
 */
export function authenticated(source: EndpointSource, options: TransportOptions): Transport {
  const unchecked = new Transport(source, options);
  const authenticate = async () => ({ ...(await source.find()), schema: await readSchema(unchecked) });
  let accepted: Promise<Endpoint> | undefined;
  return unchecked.to({
    get kind() {
      return source.kind;
    },
    find: async () => {
      if (source.kind === "local") return source.find();
      accepted ??= authenticate().catch((error) => {
        accepted = undefined;
        throw error;
      });
      return accepted;
    },
  });
}

/** Minimal type of a `CartoContext`, for classes that take one as their first argument. */
export interface ContextLike {
  batch(...parameters: never[]): Promise<unknown>;
  query(...parameters: never[]): Promise<unknown>;
}

const transports = new WeakMap<object, Transport>();

/** Makes the transport of a context available to `transportOf`; the public type of a context does not have it. */
export function shareTransport(context: ContextLike, transport: Transport): void {
  transports.set(context, transport);
}

/** @throws InvalidArgumentError for anything but a context */
export function transportOf(context: ContextLike): Transport {
  const transport = transports.get(context);
  if (!transport) throw new InvalidArgumentError("The first argument must be a CartoContext, such as cc.");
  return transport;
}
