import { onPostgres } from "../../support/engine";

onPostgres({
  functions: () => import("./functions.test"),
  cartodbfy: () => import("./cartodbfy.test"),
});
