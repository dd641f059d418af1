import L from "leaflet";
import { eventsPerFrame, momentText } from "../../clock";
import type { PreparedScene } from "../../painter";
import type { Clock, Rgba } from "../../scene";

/** Speeds that the button goes through; one that the scene begins with is added. */
const SPEEDS = [0.25, 0.5, 1, 2, 4];
/** A frame that comes later than this does so because the page was hidden or busy: time stood still meanwhile. */
const MAX_TICK_MS = 250;
/** Bars of the histogram, at most. */
const MAX_BARS = 120;
const BARS_HEIGHT = 22;

export interface Shown {
  /** Paints the frame that `prepared.now` says; false as long as the one before is being painted. */
  readonly redraw: () => void;
  readonly isBusy: () => boolean;
}

/**
 * Play, a slider over a histogram of the events, what time it is, speed and loop. It plays at once, unless the scene says
 * where to wait or the visitor prefers no motion. Space plays and pauses wherever no button is focused, arrows move the
 * focused slider.
 */
export function timeControl(prepared: PreparedScene, clock: Clock, { redraw, isBusy }: Shown) {
  const { now } = prepared;
  const stillness = matchMedia("(prefers-reduced-motion: reduce)");
  let playing = !clock.paused && !stillness.matches && clock.frames > 1;
  let { speed, loop } = clock;
  /** Frames since the beginning, with fractions. */
  let position: number = playing ? 0 : clock.still;
  now.frame = Math.floor(position);
  let lastMs: number | undefined;
  let request = 0;

  const card = L.DomUtil.create("div", "time");
  card.setAttribute("role", "group");
  card.setAttribute("aria-label", "Time");
  const play = button("play");
  const track = document.createElement("div");
  track.className = "track";
  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = "0";
  slider.max = String(clock.frames - 1);
  slider.setAttribute("aria-label", "Time");
  const bars = document.createElement("canvas");
  bars.setAttribute("aria-hidden", "true");
  track.append(bars, slider);
  const moment = document.createElement("output");
  const faster = button("speed");
  const again = button("loop");
  again.textContent = "↻";
  card.append(play, track, moment, faster, again);
  // as wide as the longest, so that the slider does not twitch
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
    }
  };

  stillness.addEventListener("change", ({ matches }) => {
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
    setSpeed(speeds[(speeds.indexOf(speed) + 1) % speeds.length]!);
  });
  again.addEventListener("click", () => setLoop(!loop));
  slider.addEventListener("input", () => {
    setPlaying(false);
    goTo(Number(slider.value));
  });
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== " " || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target instanceof Element && event.target.closest("button, a, [type=checkbox]")) return; // space presses it
    event.preventDefault();
    setPlaying(!playing);
  };
  card.addEventListener("keydown", (event) => {
    event.stopPropagation(); // Leaflet would move the map by the arrows that are for the slider
    onKey(event);
  });
  document.addEventListener("keydown", onKey);

  setSpeed(speed);
  setLoop(loop);
  show();
  setPlaying(playing);
  new ResizeObserver(() => drawBars(bars, prepared)).observe(track);
  return { element: card, refresh: () => drawBars(bars, prepared) };
}

/** Below everything, as wide as the map. */
export function addTimeControl(map: L.Map, element: HTMLElement): void {
  L.DomEvent.disableClickPropagation(element);
  L.DomEvent.disableScrollPropagation(element);
  map.getContainer().append(element);
  map.getContainer().classList.add("timed");
}

function button(name: string): HTMLButtonElement {
  const element = document.createElement("button");
  element.type = "button";
  element.className = name;
  return element;
}

/** How many events there are over time, those before the frame darker. */
function drawBars(canvas: HTMLCanvasElement, { scene, hidden, now }: PreparedScene): void {
  const widthPx = canvas.parentElement?.clientWidth ?? 0;
  const ratio = window.devicePixelRatio;
  const [width, height] = [Math.round(widthPx * ratio), Math.round(BARS_HEIGHT * ratio)];
  if (width === 0) return;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d")!;
  context.clearRect(0, 0, width, height);
  const events = eventsPerFrame(scene, hidden);
  const count = Math.min(MAX_BARS, events.length);
  const sums = new Float64Array(count);
  for (const [frame, event] of events.entries()) sums[Math.floor((frame * count) / events.length)]! += event;
  const most = Math.max(...sums);
  if (!(most > 0) || count < 2) return;
  const current = (now.frame * count) / events.length;
  const color = barColor(scene.layers.find(({ time }, i) => time && !hidden.has(i))?.color);
  context.fillStyle = color;
  for (let bar = 0; bar < count; bar++) {
    const high = sums[bar] === 0 ? 0 : Math.max(1, (sums[bar]! / most) * height);
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
