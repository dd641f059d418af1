import { PassThrough, Readable } from "node:stream";

interface Download {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

/**
 * Stands in for the `request` package in the danfo bundle: the body of a response as a stream, which emits `response` first. A
 * server that cannot be reached is a response of status 0, because danfo listens to no `error`, which would end the process.
 */
export default function request({ url, ...options }: Download): Readable {
  const body = new PassThrough();
  fetch(url, options).then(
    (response) => {
      body.emit("response", { statusCode: response.status, statusMessage: response.statusText });
      if (response.body)
        Readable.fromWeb(response.body as never)
          .on("error", () => body.end())
          .pipe(body);
      else body.end();
    },
    (error: Error) => {
      const cause = error.cause instanceof Error ? error.cause : error;
      body.emit("response", { statusCode: 0, statusMessage: cause.message });
      body.end();
    },
  );
  return body;
}
request.get = (url: string) => request({ url });
