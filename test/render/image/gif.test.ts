/** The animation, decoded by another library and compared with still images. */
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GifReader } from "omggif";
import { expect, test } from "vitest";
import { busiestFrame, withFewerFrames } from "../../../src/render/clock";
import { renderGif } from "../../../src/render/image/gif";
import { renderPng } from "../../../src/render/image/png";
import { MapView } from "../../../src/render/map-view";
import type { Clock, Scene } from "../../../src/render/scene";
import { mulberry32 } from "../../support/seeded";
import { decodePng } from "../page/pixels";
import { pointLayer, sceneOf } from "../page/scenes";
import { difference } from "../painter/golden";

const random = mulberry32(3);
const axis = (count: number, from: number, to: number) =>
  Float64Array.from({ length: count }, () => from + random() * (to - from));

function animated(frames: number, perFrame: number): Scene {
  const count = frames * perFrame;
  const clock: Clock = {
    kind: "time",
    start: Date.UTC(2018, 1, 1),
    step: 3_600_000,
    frames,
    durationMs: 2000,
    speed: 1,
    loop: true,
    still: 0,
    paused: false,
  };
  const layer = pointLayer(axis(count, 0.2, 0.8), axis(count, 0.3, 0.7), {
    opacity: 0.9,
    color: {
      kind: "classes",
      palette: [
        [127, 60, 141, 255],
        [17, 165, 121, 255],
        [242, 183, 1, 255],
      ],
      missing: [120, 120, 120, 255],
      classes: Uint8Array.from({ length: count }, (_, i) => i % 4),
    },
    time: {
      starts: Uint32Array.from({ length: frames + 1 }, (_, i) => i * perFrame),
      cumulative: false,
      trails: 2,
    },
  });
  return sceneOf([layer], { widthPx: 300, heightPx: 200, title: "Events", clock });
}

/** Returns each frame as it is shown, on top of the previous frames. */
function picturesOf(gif: Uint8Array): { reader: GifReader; pictures: Uint8Array[] } {
  const reader = new GifReader(Buffer.from(gif));
  const canvas = new Uint8Array(4 * reader.width * reader.height);
  const pictures = Array.from({ length: reader.numFrames() }, (_, i) => {
    reader.decodeAndBlitFrameRGBA(i, canvas);
    return canvas.slice();
  });
  return { reader, pictures };
}

const stillOf = (scene: Scene, still: number) =>
  decodePng(renderPng({ ...scene, clock: { ...scene.clock!, still } }));

test("every frame is its still image in 255 colours", async () => {
  const scene = animated(12, 9);
  const done: number[] = [];
  const gif = await renderGif(scene, {}, (n, total) => done.push(n / total));
  const { reader, pictures } = picturesOf(gif);
  expect([reader.width, reader.height, reader.numFrames(), reader.loopCount()]).toEqual([300, 200, 12, 0]);
  for (const [frame, picture] of pictures.entries()) {
    const { mean, worst } = difference(picture, (await stillOf(scene, frame)).data);
    expect(mean, `frame ${frame}`).toBeLessThan(0.3);
    expect(worst, `frame ${frame}`).toBeLessThan(60);
  }
  expect(done.length).toBe(12);
  expect(done.at(-1)).toBe(1);
  const delays = pictures.map((_, i) => reader.frameInfo(i).delay);
  expect(delays.reduce((sum, delay) => sum + delay)).toBe(200); // hundredths of a second
});

test("merges frames if there are too many, and shows all events", async () => {
  const scene = animated(20, 4);
  const { pictures } = picturesOf(await renderGif(scene, { frames: 6, duration: 1, loop: false }));
  expect(pictures.length).toBe(5); // of four frames each
  const fewer = withFewerFrames(scene, 4);
  for (const [frame, picture] of pictures.entries())
    expect(difference(picture, (await stillOf(fewer, frame)).data).mean).toBeLessThan(0.3);
  expect(busiestFrame(fewer)).toBe(2);
});

test("static maps, too many pixels and invalid numbers are errors", async () => {
  await expect(renderGif(sceneOf([]))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: A GIF needs a map with an animated layer; no layer of this map has \`time\`. Save the map as .png or .html instead.]`,
  );
  const large = { ...animated(100, 1), widthPx: 4000, heightPx: 4000 };
  await expect(renderGif(large)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: A GIF of 100 frames of 4000×4000 pixels would be too large. Make the map smaller with \`size\`, or pass \`frames: 25\`.]`,
  );
  await expect(renderGif(animated(2, 1), { frames: 0.5 })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: \`frames\` of a GIF must be an integer from 1 to 1000; got 0.5.]`,
  );
  await expect(renderGif(animated(2, 1), { duration: 0 })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: \`duration\` of a GIF must be a number from 0.02 to 3600; got 0.]`,
  );
});

test("is saved as a file; aborting leaves no file", async () => {
  const dir = mkdtempSync(join(tmpdir(), "gif-"));
  const view = new MapView(animated(3, 5));
  await view.save(`${dir}/a.gif`);
  expect(picturesOf(readFileSync(join(dir, "a.gif"))).pictures.length).toBe(3);
  await expect(view.save(`${dir}/b.gif`, { signal: AbortSignal.abort() })).rejects.toThrow("abort");
  expect(existsSync(join(dir, "b.gif"))).toBe(false);
  await expect(new MapView(sceneOf([])).save(`${dir}/c.gif`)).rejects.toThrow("has `time`");
});

test("a still image of any moment", async () => {
  const scene = animated(4, 6);
  const view = new MapView(scene);
  const at = new Date(Date.UTC(2018, 1, 1, 2, 30));
  expect(
    Buffer.from(view.toPNG({ at })).equals(renderPng({ ...scene, clock: { ...scene.clock!, still: 2 } })),
  ).toBe(true);
  expect(Buffer.from(view.toPNG()).equals(view.toPNG({ at }))).toBe(false);
  expect(() => view.toPNG({ at: Number.NaN })).toThrow("`at` must be");
  const path = join(mkdtempSync(join(tmpdir(), "still-")), "still.png");
  view.save(path, { at });
  expect(readFileSync(path).equals(view.toPNG({ at }))).toBe(true);
});
