/** `local` for a server of this package on this machine, `account` for a CARTO account. */
export type EndpointKind = "local" | "account";

/** Address of a server, with the key for it. */
export interface Endpoint {
  /** Decides what is printed, and whether an account's limits have to be respected. */
  readonly kind: EndpointKind;
  /** Base URL without a trailing slash. */
  readonly baseUrl: string;
  readonly user: string;
  readonly apiKey: string;
  /** Name for messages: "the local server", "https://ana.carto.com". */
  readonly label: string;
  /** Origin of the key, as part of a sentence: "CARTO_API_KEY", a file name. */
  readonly keyFrom?: string;
  /** Schema of the account's tables, known once the server has accepted the key. */
  readonly schema?: string;
  /**
   * True while the server that was found still runs at this address. False makes the transport ask the source again,
   * instead of sending the key to whatever listens there by then. An account's address does not change.
   */
  readonly isCurrent?: () => Promise<boolean>;
  /** Describes what keeps a local server's database busy while statements wait. */
  readonly waitsFor?: () => Promise<string | undefined>;
}

/** Finds an endpoint. Its kind is known without contacting anything. */
export interface EndpointSource {
  readonly kind: EndpointKind;
  /** Called on first use, and again when the endpoint is gone: a local server is started if none runs. */
  find(): Promise<Endpoint>;
}

/** Returns the source of a known endpoint. */
export function fixedSource(endpoint: Endpoint): EndpointSource {
  return { kind: endpoint.kind, find: async () => endpoint };
}

/** Returns `user:key` in base64, for an `Authorization: Basic` header. */
export function basicCredentials({ user, apiKey }: Endpoint): string {
  return Buffer.from(`${user}:${apiKey}`).toString("base64");
}
