import type { DataFrame } from "danfojs-node";
import type { CartoContext } from "../../../src/context/carto-context";
import { frame } from "../../support/context";

export const cities = () =>
  frame(
    ["city", "lng", "lat", "people"],
    ["Madrid", -3.7, 40.4, 3],
    ["Quito", -78.5, -0.2, 2],
    ["Oslo", 10.7, 59.9, 1],
  );
export async function writeCities(cc: CartoContext, name: string): Promise<DataFrame> {
  await cc.write(cities(), name, { lnglat: ["lng", "lat"], overwrite: true });
  return cc.read(name);
}
