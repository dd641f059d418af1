declare module "proxy-from-env" {
  /** Returns the proxy for an address, or "" if it needs none. */
  export function getProxyForUrl(url: string): string;
}
