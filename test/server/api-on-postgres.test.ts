import { onPostgres } from "../support/engine";

onPostgres({
  "SQL API": () => import("./sql-api.test"),
  "formats of the SQL API": () => import("./formats.test"),
  "COPY API": () => import("./copy-api.test"),
  "layergroups of the Maps API": () => import("./maps/layergroups.test"),
  "tiles of the Maps API": () => import("./maps/tiles.test"),
  "named maps of the Maps API": () => import("./maps/named-maps.test"),
  "Batch SQL API": () => import("./jobs-api.test"),
  BatchJobStatus: () => import("../context/jobs/batch.test"),
  CartoContext: () => import("../context/context.test"),
  "cc.query": () => import("../context/write/query-to-table.test"),
  "cc.write": () => import("../context/write/write.test"),
  "cc.sync": () => import("../context/sync/sync.test"),
  "conflicts of cc.sync": () => import("../context/sync/sync-conflicts.test"),
  names: () => import("../context/tables/names.test"),
  "catalog of the Data Observatory": () => import("./observatory/catalog.test"),
  "values of the Data Observatory": () => import("./observatory/values-and-publishing.test"),
  "cc.dataDiscovery and cc.observatory": () => import("../observatory/catalog.test"),
  "cc.data": () => import("../observatory/augment.test"),
  "cc.tables": () => import("../context/read/list-tables.test"),
  "detail of maps": () => import("../context/map/map-detail.test"),
});
