/** Place names of the vector basemap: which a map has, in which language, where they are, and how they are packed. */
import { beforeAll, describe, expect, test } from "vitest";
import { lngLatOf, worldOf } from "../../src/geometry/mercator";
import { cartoBasemap } from "../../src/map/base-map";
import { basemapNames } from "../../src/render/assets";
import { nearText } from "../../src/render/furniture";
import { namesOf } from "../../src/render/names";
import { decodeNames, encodeNames, type PlaceName } from "../../src/render/names-data";
import { outlineOf } from "../../src/render/plane";
import { viewportOf } from "../../src/render/projection";
import type { Scene } from "../../src/render/scene";
import { mulberry32 } from "../support/seeded";
import { buildForMaps } from "./page/built";

beforeAll(buildForMaps);

const at = (lng: number, lat: number, zoom: number): Scene["view"] => ({ kind: "center", lng, lat, zoom });
const sceneAt = (view: Scene["view"], language = "en", rest: Partial<Scene> = {}): Scene => ({
  widthPx: 800,
  heightPx: 400,
  view,
  basemap: cartoBasemap("voyager", "back", { language }),
  layers: [],
  legends: [],
  ...rest,
});
const textsOf = (scene: Scene, kind?: PlaceName["kind"]) =>
  namesOf(scene)
    .filter((name) => kind === undefined || name.kind === kind)
    .map(({ text }) => text);

describe("all names", () => {
  test("places lie where they are", () => {
    const placeOf = (text: string, kind: PlaceName["kind"]) => {
      const { x, y } = basemapNames().find((name) => name.text === text && name.kind === kind)!;
      return lngLatOf([x, y]).map(Math.round);
    };
    expect(placeOf("Vienna", "capital")).toEqual([16, 48]);
    expect(placeOf("Suva", "capital")).toEqual([178, -18]);
    expect(placeOf("Kansas", "state")).toEqual([-98, 38]);
    expect(placeOf("Queensland", "state")[0]).toBeGreaterThan(140);
    expect(placeOf("BR", "country")[1]).toBeLessThan(0);
    expect(placeOf("FJ", "country")[0]).toBeGreaterThan(176); // not between the parts of a split island
  });

  test("every country and state has one name", () => {
    const names = basemapNames().filter(({ kind }) => kind === "country" || kind === "state");
    const keys = names.map(({ kind, text }) => `${kind} ${text}`);
    expect(new Set(keys).size).toBe(keys.length - 1); // Ashmore and Cartier Islands have the code of Australia
    expect(keys.filter((key) => key.startsWith("country")).length).toBeGreaterThan(200);
    for (const state of ["Colorado", "Western Australia", "New South Wales", "São Paulo", "Quebec"])
      expect(keys).toContain(`state ${state}`);
  });

  test("more important cities show first", () => {
    const zoomOf = (text: string) =>
      basemapNames().find((name) => name.text === text && name.room === 0)!.zoom;
    expect(zoomOf("London")).toBeLessThan(zoomOf("Birmingham"));
    expect(zoomOf("Tokyo")).toBeLessThan(zoomOf("Yokohama"));
    expect(zoomOf("Paris")).toBeLessThan(zoomOf("Lyon"));
  });
});

describe("names of a map", () => {
  test("the world has countries, and its largest cities", () => {
    const countries = textsOf(sceneAt(at(0, 20, 1)), "country");
    expect(countries[0]).toBe("Russia");
    expect(countries.length).toBeGreaterThan(200);
    expect(textsOf(sceneAt(at(0, 20, 1)), "capital")).toContain("Tokyo");
    expect(textsOf(sceneAt(at(0, 20, 1)))).not.toContain("Graz");
  });

  test("a view has the cities that it shows, and few of the rest of the world", () => {
    const alps = sceneAt(at(13, 47, 6));
    expect(textsOf(alps)).toEqual(expect.arrayContaining(["Graz", "Salzburg", "Trieste", "Tokyo"]));
    expect(textsOf(alps)).not.toContain("Fukuoka");
    expect(textsOf(alps)).not.toContain("Fiji");
    for (const view of [at(0, 20, 1), at(13, 47, 6), at(16.4, 48.2, 9), at(121, 31, 7)])
      expect(namesOf(sceneAt(view)).length).toBeLessThan(720);
  });

  test.each([
    ["de", ["Österreich", "Vereinigte Staaten", "Bosnien und Herzegowina"]],
    ["fr", ["Autriche", "États-Unis", "R.A.S. chinoise de Hong Kong"]],
    ["ja", ["オーストリア", "アメリカ合衆国"]],
    ["ar", ["النمسا"]],
    ["zh-Hant", ["奧地利"]],
    ["en-GB", ["Austria", "United States", "Myanmar", "Palestine", "Hong Kong", "Bosnia"]],
  ])("countries in %s", (language, expected) => {
    const names = textsOf(sceneAt(at(0, 20, 1), language), "country");
    const shown = language === "en-GB" ? expected : expected.slice(0, 2);
    expect(names).toEqual(expect.arrayContaining(shown));
    expect(names.filter((name) => /[()\n]/.test(name))).toEqual([]);
  });

  test.each([
    ["de", ["Wien", "Prag", "Rom", "Munich", "London"]],
    ["de-AT", ["Wien", "Warschau"]],
    ["ru", ["Вена", "Лондон", "Нью-Йорк"]],
    ["zh-TW", ["倫敦"]],
    ["zh", ["伦敦"]],
    ["nb", ["København"]],
    ["pt-BR", ["Londres"]],
    ["ja", ["Vienna", "Tokyo"]],
    ["en", ["Vienna", "New York City"]],
  ])("cities in %s", (language, expected) => {
    const names = textsOf(sceneAt(at(12, 49, 4.5), language));
    expect(names).toEqual(expect.arrayContaining(expected));
    expect(names.filter((name) => /\u00ad|\p{Ll}\p{Lu}/u.test(name.replace(/Mc(?=\p{Lu})/u, "")))).toEqual(
      [],
    );
  });

  test("an antimeridian in the view, and views in other copies of the world", () => {
    const fiji = textsOf(sceneAt(at(179.9, -17.5, 6)));
    expect(fiji).toEqual(expect.arrayContaining(["Suva", "Fiji"]));
    expect(textsOf(sceneAt(at(179.9 + 720, -17.5, 6)))).toEqual(fiji);
    expect(textsOf(sceneAt(at(-180.1, -17.5, 6)))).toEqual(fiji);
  });

  test("none where there is nothing, and none if the basemap has none", () => {
    expect(textsOf(sceneAt(at(-140, -48, 9)), "city").filter((name) => name === "Graz")).toEqual([]);
    expect(namesOf(sceneAt(at(0, 0, 22))).length).toBeGreaterThan(0);
    const scene = sceneAt(at(0, 0, 1));
    expect(namesOf({ ...scene, basemap: cartoBasemap("voyager", null) })).toEqual([]);
    expect(namesOf({ ...scene, basemap: { theme: "light", background: [255, 255, 255, 255] } })).toEqual([]);
  });
});

describe("projections", () => {
  const planeScene = (name: "albers-usa" | "equal-earth" | "orthographic", center: [number, number]) =>
    sceneAt({ kind: "box", box: [0.2, 0.2, 0.8, 0.8] }, "en", {
      projection: { name, center, box: [0, 0, 1, 1] },
    });

  test("the United States have their own names only", () => {
    const texts = textsOf(planeScene("albers-usa", [0, 0]));
    expect(texts).toEqual(expect.arrayContaining(["Alaska", "Hawaii", "Texas", "Chicago", "Houston"]));
    for (const foreign of ["Toronto", "Tijuana", "Canada", "Ontario", "Mexico City"])
      expect(texts).not.toContain(foreign);
  });

  test("names lie inside the outline of the world", () => {
    const { xy } = outlineOf({ name: "equal-earth", center: [0, 0] })!;
    const xs = xy.filter((_, i) => i % 2 === 0);
    for (const { x } of namesOf(planeScene("equal-earth", [0, 0]))) {
      expect(x).toBeGreaterThan(Math.min(...xs));
      expect(x).toBeLessThan(Math.max(...xs));
    }
  });

  test("the far side of the globe has none, and rooms are smaller than in Web Mercator", () => {
    const texts = textsOf(planeScene("orthographic", [10, 45]));
    expect(texts).toContain("France");
    expect(texts).not.toContain("Australia");
    const roomOf = (scene: Scene) => namesOf(scene).find(({ text }) => text === "Greenland")!.room;
    expect(roomOf(planeScene("equal-earth", [0, 0]))).toBeLessThan(0.6 * roomOf(sceneAt(at(0, 20, 1))));
  });
});

describe("bytes", () => {
  test("round trip within a step of the grid", () => {
    const random = mulberry32(7);
    const names = Array.from({ length: 500 }, (_, i): PlaceName => {
      const kind = (["country", "state", "city", "capital"] as const)[i % 4]!;
      const room = i % 4 < 2 ? random() : 0;
      const text = i % 7 === 0 ? "東京 \u0000 </script>" : `Place ${i} é`;
      return { kind, text, x: random(), y: random(), room, zoom: Math.round(random() * 40) / 4 };
    });
    const decoded = decodeNames(encodeNames(names));
    expect(decoded.map(({ kind, text, zoom }) => [kind, text, zoom])).toEqual(
      names.map(({ kind, text, zoom }) => [kind, text, zoom]),
    );
    decoded.forEach(({ x, y, room }, i) => {
      for (const [got, wanted] of [
        [x, names[i]!.x],
        [y, names[i]!.y],
        [room, names[i]!.room],
      ] as const)
        expect(Math.abs(got - wanted)).toBeLessThanOrEqual(0.5 / 2 ** 18);
    });
    expect(decodeNames(encodeNames([]))).toEqual([]);
  });

  test("cut off, or of another kind or version", () => {
    const bytes = encodeNames([{ kind: "city", text: "Graz", x: 0.5, y: 0.4, room: 0, zoom: 6 }]);
    expect(() => decodeNames(bytes.subarray(0, -1))).toThrow(
      /^The place names are cut off after \d+ bytes\.$/,
    );
    expect(() => decodeNames(Uint8Array.of(1, 2, 3, 4, 1))).toThrow('must start with "CFPN"');
    const newer = bytes.slice();
    newer[4] = 9;
    expect(() => decodeNames(newer)).toThrow("The place names have version 9; this release reads version 1.");
  });
});

describe("near which city", () => {
  const near = (lng: number, lat: number, zoom: number) => {
    const scene = sceneAt(at(lng, lat, zoom));
    return nearText(namesOf(scene), viewportOf(scene));
  };

  test("the most important city that is not far", () => {
    expect(near(16.25, 48.25, 14)).toBe("near Vienna");
    expect(near(15.3, 47.2, 14)).toBe("near Graz");
    expect(near(9.5 - 360, 45.7, 14)).toBe("near Milan");
  });

  test("nothing where the map shows a city, or outlines, or where none is near", () => {
    expect(near(16.37, 48.21, 14)).toBeUndefined();
    expect(near(16.25, 48.25, 8)).toBeUndefined();
    expect(near(-140, -48, 14)).toBeUndefined();
    expect(near(0, 90, 18)).toBeUndefined();
  });

  test("the distance counts across the antimeridian", () => {
    const [x, y] = worldOf([179.95, -16.5]);
    const city: PlaceName = { kind: "city", text: "Labasa", x, y, room: 0, zoom: 5 };
    const viewport = viewportOf(sceneAt(at(-179.9, -16.5, 12)));
    expect(nearText([city], viewport)).toBe("near Labasa");
  });
});
