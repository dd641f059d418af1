/// <reference path="../modules.d.ts" />
import type { Agent } from "node:http";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { getProxyForUrl } from "proxy-from-env";
import { InvalidArgumentError } from "../errors";
import { CONNECT_TIMEOUT } from "./errors";

/**
 * Returns the proxy for an address. It is found as curl finds it: in `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY`, unless
 * `NO_PROXY` names the host. Servers on this machine are never reached through a proxy.
 * @throws InvalidArgumentError for a proxy whose address is not http:// or https://
 */
export function proxyFor(url: URL): string | undefined {
  if (/^(127(\.\d+){3}|\[::1\]|(.+\.)?localhost)$/.test(url.hostname)) return undefined;
  const found = getProxyForUrl(url.href);
  if (found === "") return undefined;
  // proxy-from-env gives "proxy:3128" the scheme of the address; curl and most users mean http
  const isAsWritten = Object.values(process.env).includes(found);
  const proxy = isAsWritten ? found : found.replace(/^\w+:/, "http:");
  if (URL.canParse(proxy) && /^https?:$/.test(new URL(proxy).protocol)) return proxy;
  throw new InvalidArgumentError(
    `The proxy for ${url.origin} must be an http:// or https:// address. Correct HTTPS_PROXY, add the host to NO_PROXY, or pass an Agent as \`session\`.`,
  );
}

/** Returns an agent that connects through a proxy, with CONNECT for an encrypted address. */
export function proxyAgent(
  proxy: string,
  { isEncrypted, connectMs, idleMs }: { isEncrypted: boolean; connectMs: number; idleMs: number },
): Agent {
  const options = { keepAlive: true, timeout: idleMs };
  const agent = isEncrypted ? new HttpsProxyAgent(proxy, options) : new HttpProxyAgent(proxy, options);
  type Connect = (...parameters: unknown[]) => Promise<{ destroy(): void }>;
  const connecting = agent as unknown as { connect: Connect };
  const connect = connecting.connect.bind(agent);
  connecting.connect = (...parameters) => withinMs(connect(...parameters), connectMs);
  return agent;
}

async function withinMs<T extends { destroy(): void }>(socket: Promise<T>, connectMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = Object.assign(new Error(`the proxy made no connection within ${connectMs / 1000} s`), {
      code: CONNECT_TIMEOUT,
    });
    timer = setTimeout(() => {
      reject(error);
      socket.then((late) => late.destroy()).catch(() => {});
    }, connectMs).unref();
  });
  try {
    return await Promise.race([socket, late]);
  } finally {
    clearTimeout(timer);
  }
}
