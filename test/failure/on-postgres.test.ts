import { onPostgres } from "../support/engine";

onPostgres({
  killed: () => import("./kill.test"),
  "large and slow": () => import("./large-and-slow.test"),
  "two kernels": () => import("./two-kernels.test"),
});
