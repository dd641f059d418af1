declare module "proxy-from-env" {
  /** The proxy for an address; "" for none. */
  export function getProxyForUrl(url: string): string;
}
