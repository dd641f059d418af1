/** The text of a .sql file. */
declare module "*.sql" {
  const text: string;
  export default text;
}

declare module "pgpass" {
  /** Looks up a password in the password file; calls `found` with undefined if the file has none. */
  export default function pgpass(
    connection: { host: string; port: number; database: string; user: string },
    found: (password: string | undefined) => void,
  ): void;
}

declare module "proxy-from-env" {
  /** Returns the proxy for an address, or "" if it needs none. */
  export function getProxyForUrl(url: string): string;
}

/** The text of a style sheet. */
declare module "*.css" {
  const text: string;
  export default text;
}

declare module "lz4js" {
  /** Decompresses a frame. */
  export function decompress(frame: Uint8Array): Uint8Array;
}
