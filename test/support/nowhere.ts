import { Transport } from "../../src/api/transport";

/** Transport for maps that need no server; every request fails. */
export const nowhere = new Transport({
  kind: "local",
  find: async () => {
    throw new Error("a server was asked for");
  },
});

export const progress = { isShown: false, update() {}, note() {}, finish() {}, fail() {} };
