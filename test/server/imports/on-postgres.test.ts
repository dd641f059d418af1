import { onPostgres } from "../../support/engine";

onPostgres({
  csv: () => import("./csv.test"),
  formats: () => import("./formats.test"),
  content: () => import("./content.test"),
  gdal: () => import("./gdal.test"),
  api: () => import("./api.test"),
});
