import L from "leaflet";
import { eventsPerFrame, momentText } from "../../clock";
import type { PreparedScene } from "../../painter";
import type { Clock, Rgba } from "../../scene";
import { contextOf } from "./canvas-layer";
import { create } from "./create";

/** Speeds that the button cycles through, besides the initial speed of the scene. */
const SPEEDS = [0.25, 0.5, 1, 2, 4];
/** A frame that is later than this does not advance the animation: the page was hidden or busy. */
const MAX_TICK_MS = 250;
/** Maximum number of bars in the histogram. */
const MAX_BARS = 120;
const BARS_HEIGHT_PX = 22;

interface AnimatedMap {
  /** Paints the frame `prepared.now`. */
  readonly redraw: () => void;
  /** True until the last frame is painted. */
  readonly isBusy: () => boolean;
  /** Called when the animation is paused, and when the slider is moved. */
  readonly stopped: () => void;
}

/**
 * A play button, a slider over a histogram of the events, the time, and buttons for speed and loop. Playing starts at
 * once, unless the scene starts paused or the reader's system asks for reduced motion, which also pauses it later. Space
 * plays and pauses unless a button has the focus; the arrow keys move the focused slider. `showFrame` pauses.
 */
export function timeControl(prepared: PreparedScene, clock: Clock, { redraw, isBusy, stopped }: AnimatedMap) {
  const { now } = prepared;
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  let playing = !clock.paused && !reducedMotion.matches && clock.frames > 1;
  let { speed, loop } = clock;
  /** Position in frames, with a fraction. */
  let position: number = playing ? 0 : clock.still;
  now.frame = Math.floor(position);
  let lastMs: number | undefined;
  let request = 0;

  const button = (name: string, text = "") => create("button", { type: "button", class: name }, text);
  const play = button("play");
  const slider = create("input", {
    type: "range",
    min: "0",
    max: String(clock.frames - 1),
    "aria-label": "Time",
  });
  const bars = create("canvas", { "aria-hidden": "true" });
  const track = create("div", { class: "track" }, bars, slider);
  const moment = create("output");
  const faster = button("speed");
  const again = button("loop", "↻");
  const children = [play, track, moment, faster, again];
  const card = create("div", { class: "time", role: "group", "aria-label": "Time" }, ...children);
  // as wide as the longest label, so that the slider does not change its width
  const letters = Math.max(
    ...[0, clock.frames >> 1, clock.frames - 1].map((frame) => momentText(clock, frame).length),
  );
  moment.style.minWidth = `${letters}ch`;

  const show = () => {
    const text = momentText(clock, now.frame);
    slider.value = String(now.frame);
    slider.setAttribute("aria-valuetext", text);
    moment.textContent = text;
    drawBars(bars, prepared);
  };
  const goTo = (frame: number) => {
    position = frame;
    if (now.frame === frame) return;
    now.frame = frame;
    show();
    redraw();
  };

  const tick = (ms: number) => {
    request = requestAnimationFrame(tick);
    const elapsedMs = lastMs === undefined ? 0 : ms - lastMs;
    lastMs = ms;
    if (elapsedMs > MAX_TICK_MS || card.offsetParent === null) return;
    position += (elapsedMs * speed * clock.frames) / clock.durationMs;
    if (position >= clock.frames) {
      if (!loop) {
        goTo(clock.frames - 1);
        return setPlaying(false);
      }
      position %= clock.frames;
    }
    const frame = Math.floor(position);
    if (frame === now.frame || isBusy()) return;
    now.frame = frame;
    show();
    redraw();
  };
  const setPlaying = (to: boolean) => {
    playing = to && clock.frames > 1;
    lastMs = undefined;
    cancelAnimationFrame(request);
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
    play.title = playing ? "Pause" : "Play";
    play.classList.toggle("playing", playing);
    if (playing) {
      if (!loop && now.frame === clock.frames - 1) goTo(0);
      request = requestAnimationFrame(tick);
    } else stopped();
  };

  reducedMotion.addEventListener("change", ({ matches }) => {
    if (matches) setPlaying(false);
  });

  const setSpeed = (to: number) => {
    speed = to;
    faster.textContent = `${speed}×`;
    faster.setAttribute("aria-label", `Speed ${speed}×`);
    faster.title = "Speed";
  };
  const setLoop = (to: boolean) => {
    loop = to;
    again.setAttribute("aria-pressed", String(loop));
    again.setAttribute("aria-label", "Loop");
    again.title = "Loop";
  };
  play.addEventListener("click", () => setPlaying(!playing));
  faster.addEventListener("click", () => {
    const speeds = [...new Set([...SPEEDS, clock.speed])].sort((a, b) => a - b);
    setSpeed(speeds[(speeds.indexOf(speed) + 1) % speeds.length] ?? 1);
  });
  again.addEventListener("click", () => setLoop(!loop));
  slider.addEventListener("input", () => {
    setPlaying(false);
    goTo(Number(slider.value));
  });
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== " " || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target instanceof Element && event.target.closest("button, a, [type=checkbox]")) return; // Space presses it
    event.preventDefault();
    setPlaying(!playing);
  };
  card.addEventListener("keydown", (event) => {
    event.stopPropagation(); // or Leaflet would pan the map with the arrow keys of the slider
    onKey(event);
  });
  document.addEventListener("keydown", onKey);

  setSpeed(speed);
  setLoop(loop);
  show();
  setPlaying(playing);
  new ResizeObserver(() => drawBars(bars, prepared)).observe(track);
  const showFrame = (frame: number) => {
    setPlaying(false);
    goTo(frame);
  };
  return { element: card, refresh: () => drawBars(bars, prepared), showFrame };
}

/** Adds the control at the bottom of the map, across its whole width. */
export function addTimeControl(map: L.Map, element: HTMLElement): void {
  L.DomEvent.disableClickPropagation(element);
  L.DomEvent.disableScrollPropagation(element);
  map.getContainer().append(element);
  map.getContainer().classList.add("timed");
}

/** Draws a histogram of the events over time, darker up to the current frame. */
function drawBars(canvas: HTMLCanvasElement, { scene, hidden, now }: PreparedScene): void {
  const widthPx = canvas.parentElement?.clientWidth ?? 0;
  const ratio = window.devicePixelRatio;
  const [width, height] = [Math.round(widthPx * ratio), Math.round(BARS_HEIGHT_PX * ratio)];
  if (width === 0) return;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = contextOf(canvas);
  context.clearRect(0, 0, width, height);
  const events = eventsPerFrame(scene, hidden);
  const count = Math.min(MAX_BARS, events.length);
  const sums = new Float64Array(count);
  for (const [frame, event] of events.entries()) {
    const bar = Math.floor((frame * count) / events.length);
    sums[bar] = (sums[bar] ?? 0) + event;
  }
  const most = Math.max(...sums);
  if (!(most > 0) || count < 2) return;
  const current = (now.frame * count) / events.length;
  const color = barColor(scene.layers.find(({ time }, i) => time && !hidden.has(i))?.color);
  context.fillStyle = color;
  for (const [bar, sum] of sums.entries()) {
    const high = sum === 0 ? 0 : Math.max(1, (sum / most) * height);
    context.globalAlpha = bar <= current ? 0.75 : 0.3;
    const [left, right] = [(bar * width) / count, ((bar + 1) * width) / count];
    context.fillRect(left, height - high, Math.max(1, right - left - ratio * 0.5), high);
  }
}

const NEUTRAL: Rgba = [120, 130, 140, 255];
const barColor = (style: PreparedScene["scene"]["layers"][number]["color"] | undefined): string => {
  const [red, green, blue] = style?.kind === "constant" ? style.color : NEUTRAL;
  return `rgb(${red} ${green} ${blue})`;
};
