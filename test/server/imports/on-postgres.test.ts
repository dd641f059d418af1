import { onPostgres } from "../../support/engine";

onPostgres({
  csv: () => import("./csv.test"),
  formats: () => import("./formats.test"),
  api: () => import("./api.test"),
});
