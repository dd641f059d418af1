import { createServer, request } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";

/** The target of a request to the proxy: `CONNECT host:port`, or `GET http://host/…`. */
export interface ForwardProxy {
  readonly url: string;
  readonly asked: string[];
  /** User and password that requests must send. */
  credentials: string | undefined;
  close(): Promise<void>;
}

/** A real forward proxy that resolves every host name to one address of this machine. */
export async function startForwardProxy(target: {
  encryptedPort: number;
  port: number;
}): Promise<ForwardProxy> {
  const asked: string[] = [];
  const tunnels = new Set<Duplex>();
  const proxy = { credentials: undefined as string | undefined };
  const isRefused = (header: string | undefined) =>
    proxy.credentials !== undefined &&
    header !== `Basic ${Buffer.from(proxy.credentials).toString("base64")}`;
  const server = createServer((incoming, response) => {
    const { method, url = "", headers } = incoming;
    asked.push(`${method} ${new URL(url).origin}`);
    if (isRefused(headers["proxy-authorization"])) {
      response.writeHead(407, { "Proxy-Authenticate": "Basic" }).end();
      return;
    }
    const { pathname, search } = new URL(url);
    const { "proxy-authorization": _, "proxy-connection": __, ...rest } = headers;
    const passed = request(
      { host: "127.0.0.1", port: target.port, method, path: pathname + search, headers: rest },
      (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      },
    );
    passed.once("error", (error) => response.destroy(error));
    incoming.pipe(passed);
  });
  server.on("connect", ({ url, headers }, socket) => {
    asked.push(`CONNECT ${url}`);
    if (isRefused(headers["proxy-authorization"])) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    tunnels.add(socket);
    const there = connect(target.encryptedPort, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      there.pipe(socket).pipe(there);
    });
    for (const [one, other] of [
      [there, socket],
      [socket, there],
    ] as const)
      one.once("error", () => other.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${port}`,
    asked,
    close: async () => {
      for (const socket of tunnels) socket.destroy(); // the server no longer closes them
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
