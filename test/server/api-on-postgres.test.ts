import { onPostgres } from "../support/engine";

onPostgres({
  "SQL API": () => import("./sql-api.test"),
  "formats of the SQL API": () => import("./formats.test"),
  "COPY API": () => import("./copy-api.test"),
  "Batch SQL API": () => import("./jobs-api.test"),
  BatchJobStatus: () => import("../context/batch.test"),
  CartoContext: () => import("../context/context.test"),
  "cc.tables": () => import("../context/tables.test"),
});
