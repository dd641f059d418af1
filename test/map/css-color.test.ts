import { createCanvas } from "@napi-rs/canvas";
import { describe, expect, test } from "vitest";
import { looksLikeColor, parseColor } from "../../src/map/css-color";

const context = createCanvas(1, 1).getContext("2d");

/** What a browser's canvas paints for a CSS colour. */
function painted(css: string): number[] {
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = css;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
}

test.each([
  "#abc",
  "#AbCd",
  "#12ab9f",
  "#12AB9Fff",
  "tomato",
  "RebeccaPurple",
  "rgb(255, 128, 0)",
  "rgb(255 128 0)",
  "rgb(100%, 50%, 0%)",
  "RGBA(12, 34, 56, 1)",
])("%s equals what a canvas paints", (css) => {
  expect(parseColor(css)).toEqual(painted(css));
});

test.each(["hsl(120, 100%, 25%)", "hsl(200deg 40% 60%)", "hsla(0.5turn, 30%, 70%, 1)", "hsl(-30 100% 50%)"])(
  "%s equals what a canvas paints, except for rounding",
  (css) => {
    const wanted = painted(css);
    for (const [i, part] of parseColor(css)!.entries())
      expect(Math.abs(part - wanted[i]!)).toBeLessThanOrEqual(1);
  },
);

test("hwb, which the canvas lacks", () => {
  expect(parseColor("hwb(90 10% 20%)")).toEqual([115, 204, 26, 255]);
  expect(parseColor("hwb(90 60% 60%)")).toEqual([128, 128, 128, 255]);
});

test("every name of CSS", () => {
  const names = ["black", "white", "aliceblue", "yellowgreen", "grey", "slategray", "navy", "lime", "peru"];
  for (const name of names) expect(parseColor(name), name).toEqual(painted(name));
});

test("translucent colours", () => {
  expect(parseColor("transparent")).toEqual([0, 0, 0, 0]);
  expect(parseColor("#ff000080")).toEqual([255, 0, 0, 128]);
  expect(parseColor("rgba(255, 0, 0, 0.5)")).toEqual([255, 0, 0, 128]);
  expect(parseColor("rgb(255 0 0 / 50%)")).toEqual([255, 0, 0, 128]);
});

describe("rejects invalid colours", () => {
  test.each([
    "",
    "#",
    "#ab",
    "#12345",
    "#ggg",
    "rgb(1,2)",
    "rgb(1 2 3 4)",
    "rgb(a,b,c)",
    "rgb(1,2,3",
    "hsl(x 1% 1%)",
  ])("%j", (text) => expect(parseColor(text)).toBeNull());
  test.each(["constructor", "__proto__", "state", "red state", "url(#a)", "currentcolor"])("%j", (text) => {
    expect(parseColor(text)).toBeNull();
    expect(looksLikeColor(text)).toBe(false);
  });
  test.each(["#12", "rgb(1)", "oklch(40% 0.2 30)"])("%j can only be meant as a colour", (text) => {
    expect(looksLikeColor(text)).toBe(true);
  });
});
