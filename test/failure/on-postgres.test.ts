import { onPostgres } from "../support/engine";

onPostgres({
  killed: () => import("./kill.test"),
});
