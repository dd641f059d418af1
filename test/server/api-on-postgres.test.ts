import { onPostgres } from "../support/engine";

onPostgres({
  "SQL API": () => import("./sql-api.test"),
  "formats of the SQL API": () => import("./formats.test"),
  "COPY API": () => import("./copy-api.test"),
  "Maps API": () => import("./maps-api.test"),
  "Batch SQL API": () => import("./jobs-api.test"),
  BatchJobStatus: () => import("../context/batch.test"),
  CartoContext: () => import("../context/context.test"),
  "cc.query": () => import("../context/query.test"),
  "cc.write": () => import("../context/write.test"),
  "cc.sync": () => import("../context/sync.test"),
  names: () => import("../context/names.test"),
  "Data Observatory": () => import("./observatory/observatory.test"),
  "cc.data": () => import("../context/observatory.test"),
  "cc.tables": () => import("../context/tables.test"),
  "detail of maps": () => import("../context/map-detail.test"),
});
