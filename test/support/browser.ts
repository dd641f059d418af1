import { type Browser, chromium } from "playwright-core";
import { chromePath } from "./machine";

const FLAGS =
  "--headless --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

/** Starts the browser of this machine. A test file that does calls `needs("browser")`. */
export const launch = (...flags: string[]): Promise<Browser> =>
  chromium.launch({
    executablePath: chromePath!, // `needs` skips the tests without it
    chromiumSandbox: false, // needs namespaces, which containers and many systems refuse
    args: [...FLAGS.split(" "), ...flags],
  });
