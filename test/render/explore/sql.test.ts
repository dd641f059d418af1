/** Widgets count what SQL counts on the same rows, with the conditions that the map itself writes. */
import { DataFrame } from "danfojs-node";
import { expect, test } from "vitest";
import { mapScene } from "../../../src/context/map/map-scene";
import { worldOf } from "../../../src/geometry/mercator";
import { Layer, widget } from "../../../src/map";
import { Explorer, stepCountOf, type WidgetFilter } from "../../../src/render/explore/explorer";
import { filterSql } from "../../../src/render/explore/filter-sql";
import { filtersOf } from "../../../src/render/explore/filters";
import { nowhere, progress } from "../../support/nowhere";
import { openPostgis } from "../../support/pglite";
import { mulberry32 } from "../../support/seeded";

const ROWS = 3000;
const WORDS = ["plain", "it's", 'a "quoted" one', "back\\slash", "", "ünï", "DROP TABLE t; --"];
const HALF_WORLD_M = 20_037_508.342789244;

/** Random rows: points, and small squares that overlap. */
function rowsOf(kind: "point" | "polygon") {
  const random = mulberry32(42);
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)]!;
  return Array.from({ length: ROWS }, (_, id) => {
    const [lng, lat] = [random() * 40 - 20, random() * 40 + 20];
    const side = random() * 2;
    const ring = [
      [lng, lat],
      [lng + side, lat],
      [lng + side, lat + side],
      [lng, lat + side],
      [lng, lat],
    ];
    return {
      id,
      number: random() < 0.05 ? null : Math.round(random() ** 3 * 1e5) / 100,
      whole: Math.floor(random() * 12),
      code: Math.floor(random() * 5),
      word: random() < 0.05 ? null : pick(WORDS),
      yes: random() < 0.1 ? null : random() < 0.5,
      day: random() < 0.05 ? null : new Date(Date.UTC(2020, 0, 1) + Math.floor(random() * 700 * 86_400_000)),
      geometry:
        kind === "point" ? `POINT(${lng} ${lat})` : `POLYGON((${ring.map((at) => at.join(" ")).join(",")}))`,
    };
  });
}

test.each(["point", "polygon"] as const)(
  "200 random filters and views of %ss",
  { timeout: 300_000 },
  async (kind) => {
    const rows = rowsOf(kind);
    const pg = await openPostgis();
    await pg.exec(
      "CREATE TABLE t (id int, number float8, whole int, code int, word text, yes boolean, day timestamptz, geom geometry)",
    );
    const texts = rows.map(({ geometry, day, ...rest }) =>
      JSON.stringify({ ...rest, day, geom: `SRID=4326;${geometry}` }),
    );
    await pg.query(
      "INSERT INTO t SELECT id, number, whole, code, word, yes, day, geom FROM jsonb_populate_recordset(NULL::t, $1::jsonb)",
      [`[${texts.join(",")}]`],
    );
    await pg.exec("UPDATE t SET geom = ST_Transform(geom, 3857)");
    const widgets = [
      widget.histogram("number"),
      widget.histogram("whole", { viewport: false }),
      widget.category("word"),
      widget.category("yes", { viewport: false }),
      widget.timeSeries("day"),
      widget.category("code"),
      widget.formula("sum", "number"),
      widget.formula("count", { viewport: false }),
    ];
    const frame = new DataFrame(rows as never);
    const layers = new Layer(frame, { name: "t", geomCol: "geometry" });
    const { scene } = await mapScene(nowhere, { layers, widgets, projection: "mercator", progress });
    const explorer = new Explorer(scene);
    const random = mulberry32(kind.length);
    for (let change = 0; change < 200; change++) {
      const index = Math.floor(random() * 6);
      const column = explorer.columnOf(index)!;
      const stepOf = () => 1 + Math.floor(random() * (stepCountOf(column) - 1));
      const [a, b] = [stepOf(), stepOf()];
      const filter: WidgetFilter =
        column.kind === "range"
          ? { kind: "range", range: [Math.min(a, b), Math.max(a, b)] }
          : { kind: "steps", steps: new Set([a, b]) };
      explorer.filter(index, random() < 0.3 ? undefined : filter);
      const [west, north] = worldOf([random() * 40 - 25, random() * 40 + 20]);
      const side = random() ** 2 * 0.2;
      explorer.look({
        originX: west,
        originY: north,
        worldPx: 1,
        widthPx: side,
        heightPx: side,
        pixelRatio: 1,
      });
      const metres = (world: number) => (world - 0.5) * 2 * HALF_WORLD_M;
      const box = [metres(west), -metres(north + side), metres(west + side), -metres(north)];
      const inView = `ST_Intersects(geom, ST_MakeEnvelope(${box.join(", ")}, 3857))`;

      const filters = filtersOf(explorer);
      const where = filterSql(filters, "t") || "true";
      const sums = await pg.query<{ sum: number | null; count: number }>(
        `SELECT (SELECT sum(number) FROM t WHERE ${where} AND ${inView}) AS sum, (SELECT count(*)::int FROM t WHERE ${where}) AS count`,
      );
      const [{ sum, count } = { sum: 0, count: 0 }] = sums.rows;
      const formulas = scene.widgets!.flatMap((one, i) =>
        one.kind === "formula" ? [explorer.valueOf(i)] : [],
      );
      expect(formulas[1]).toBe(count);
      if (sum === null) expect(formulas[0]).toBeNaN();
      else expect(formulas[0]).toBeCloseTo(sum, 6);

      // the bars of a widget do not depend on its own filter
      const looked = Math.floor(random() * 6);
      const own = explorer.filterOf(looked);
      explorer.filter(looked, undefined);
      const others = filterSql(filtersOf(explorer), "t") || "true";
      if (own) explorer.filter(looked, own);
      const seen = explorer.columnOf(looked)!;
      const conditionOf = (step: number) => {
        explorer.filter(
          looked,
          seen.kind === "range"
            ? { kind: "range", range: [step, step] }
            : { kind: "steps", steps: new Set([step]) },
        );
        const only = filtersOf(explorer).find((one) => "column" in one && one.column === seen.name)!;
        return filterSql([only], "t");
      };
      const conditions = Array.from({ length: Math.min(12, stepCountOf(seen) - 1) }, (_, i) =>
        conditionOf(i + 1),
      );
      explorer.filter(looked, own);
      const isInView = scene.widgets![looked]!.inView;
      const { rows: bars } = await pg.query<Record<string, number>>(
        `SELECT ${conditions.map((condition, i) => `count(*) FILTER (WHERE ${condition})::int AS s${i}`).join(", ")} FROM t WHERE ${others}${isInView ? ` AND ${inView}` : ""}`,
      );
      const { counts } = explorer.stepsOf(looked);
      expect(conditions.map((_, i) => counts[i + 1])).toEqual(Object.values(bars[0]!));
    }
    await pg.close();
  },
);
