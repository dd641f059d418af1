import { randomUUID } from "node:crypto";
import escapeHtml from "escape-html";
import { InterruptedError } from "./interrupt";
import { cellDisplay } from "./tslab";

export interface ProgressState {
  readonly done: number;
  readonly total?: number;
  readonly unit: "rows" | "bytes" | "queries" | "frames";
  /** Reason why the work is waiting, in a few words. */
  readonly note?: string;
}

export interface Progress {
  /** True in a notebook and on a terminal. */
  readonly isShown: boolean;
  update(state: ProgressState): void;
  /** Shows what the work is waiting for, until the next call or update. */
  note(text: string | undefined): void;
  /** Ends with `line`, by default the amount and time. Work that was too short to show progress leaves no line. */
  finish(line?: string): void;
  /** Ends with a line about how far the work got. */
  fail(error?: unknown): void;
}

/** Shorter work shows no progress. */
const QUIET_MS = 800;
const REDRAW_MS = 250;
const BAR_EM = 12;

/** Marks outputs about the run instead of its result, which `npm run notebooks` does not keep. */
export const PROGRESS_METADATA = { cartoframes: { progress: true } };

/** A place where a line can be shown and replaced. */
interface Line {
  draw(text: string, share?: number): void;
  end(text: string): void;
}

/**
 * Shows the progress of long work: in a notebook as one output of the running cell, on a terminal as one line of stderr.
 * Elsewhere it shows nothing. Aborting `signal` ends it.
 */
export function progress(label: string, { signal }: { readonly signal?: AbortSignal } = {}): Progress {
  const line = cellLine() ?? terminalLine();
  if (!line) return { isShown: false, update() {}, note() {}, finish() {}, fail() {} };

  const startMs = performance.now();
  let state: ProgressState | undefined;
  let note: string | undefined;
  let drawnMs: number | undefined;
  let ended = false;

  const draw = () => {
    const nowMs = performance.now();
    if (ended || nowMs - startMs < QUIET_MS || nowMs - (drawnMs ?? 0) < REDRAW_MS * 0.9) return;
    drawnMs = nowMs;
    const parts = [label, state && amount(state), seconds(nowMs - startMs), note ?? state?.note];
    line.draw(parts.filter(Boolean).join(" · "), state?.total ? state.done / state.total : undefined);
  };
  const summary = () => {
    const time = seconds(performance.now() - startMs);
    return [label, state && amount({ ...state, total: undefined }), time].filter(Boolean).join(" · ");
  };
  const end = (text: string) => {
    if (ended) return;
    ended = true;
    clearInterval(timer);
    signal?.removeEventListener("abort", onAbort);
    if (drawnMs !== undefined) line.end(text);
  };
  const fail = (error?: unknown) => {
    const what = error instanceof InterruptedError ? "interrupted" : "stopped";
    end(
      `${label}: ${what} after ${state ? `${amount(state)}, ` : ""}${seconds(performance.now() - startMs)}`,
    );
  };
  const onAbort = () => fail(signal?.reason);

  // Keeps the seconds counting while nothing arrives. Does not keep the process alive.
  const timer = setInterval(draw, REDRAW_MS).unref();
  signal?.addEventListener("abort", onAbort, { once: true });
  return {
    isShown: true,
    update(next) {
      state = next;
      note = undefined;
      draw();
    },
    note(text) {
      note = text;
      draw();
    },
    finish: (text = summary()) => end(text),
    fail,
  };
}

function cellLine(): Line | undefined {
  const display = cellDisplay();
  if (!display) return undefined;
  const displayId = randomUUID();
  let update = false;
  const show = (text: string, html: string) => {
    display({ "text/plain": text, "text/html": html }, { displayId, update, metadata: PROGRESS_METADATA });
    update = true;
  };
  const faded = (content: string) => `<div style="opacity:0.75">${content}</div>`;
  return {
    draw: (text, share) => show(text, faded(`${share === undefined ? "" : bar(share)}${escapeHtml(text)}`)),
    end: (text) => show(text, faded(escapeHtml(text))),
  };
}

function bar(share: number): string {
  const percent = Math.round(100 * Math.min(Math.max(share, 0), 1));
  const done = `<span style="display:block;width:${percent}%;height:100%;background:currentColor"></span>`;
  return (
    `<span style="display:inline-block;width:${BAR_EM}em;height:0.6em;margin-right:0.8em;` +
    `border:1px solid currentColor;border-radius:0.3em;overflow:hidden">${done}</span>`
  );
}

function terminalLine(): Line | undefined {
  const { stderr } = process;
  if (!stderr.isTTY) return undefined;
  const fresh = "\r\x1b[K"; // back to the start of the line and clear it
  return {
    draw: (text) => stderr.write(fresh + text.slice(0, stderr.columns - 1)),
    end: (text) => stderr.write(`${fresh}${text}\n`),
  };
}

function amount({ done, total, unit }: ProgressState): string {
  const number = (n: number) => (unit === "bytes" ? (n / 1e6).toFixed(1) : n.toLocaleString("en-US"));
  const one = { rows: "row", queries: "query", frames: "frame", bytes: "MB" }[unit];
  const word = unit === "bytes" || (total ?? done) === 1 ? one : unit;
  return total === undefined ? `${number(done)} ${word}` : `${number(done)} of ${number(total)} ${word}`;
}

const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;
