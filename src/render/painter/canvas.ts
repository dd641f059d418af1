/** The part of CanvasRenderingContext2D that painting uses; browsers and Skia in Node implement it. */
export interface Canvas2D {
  fillStyle: unknown;
  strokeStyle: unknown;
  lineWidth: number;
  lineJoin: string;
  lineCap: string;
  globalAlpha: number;
  font: string;
  textAlign: string;
  textBaseline: string;
  save(): void;
  restore(): void;
  setTransform(a: number, b: number, c: number, d: number, e: number, f: number): void;
  beginPath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  closePath(): void;
  rect(x: number, y: number, width: number, height: number): void;
  clip(): void;
  arc(x: number, y: number, radius: number, from: number, to: number): void;
  fill(rule: "evenodd"): void;
  stroke(): void;
  fillRect(x: number, y: number, width: number, height: number): void;
  clearRect(x: number, y: number, width: number, height: number): void;
  createImageData(width: number, height: number): Pixels;
  putImageData(pixels: Pixels, x: number, y: number): void;
  fillText(text: string, x: number, y: number): void;
  strokeText(text: string, x: number, y: number): void;
  measureText(text: string): { readonly width: number };
  drawImage(image: object, x: number, y: number, width?: number, height?: number): void;
  createPattern(image: object, repetition: "repeat"): unknown;
}

/** `ImageData`: red, green, blue and alpha, not premultiplied. */
export interface Pixels {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** An off-screen canvas. */
export interface Surface {
  readonly width: number;
  readonly height: number;
  getContext(kind: "2d"): Canvas2D | null;
}

/** Creates a canvas, which browsers and Node do differently. */
export type CreateCanvas = (widthDevicePx: number, heightDevicePx: number) => Surface;

/** A surface and an image to compose a layer on, reused from frame to frame while the size stays the same. */
export class Scratch {
  readonly #createCanvas: CreateCanvas;
  #surface: Surface | undefined;
  #pixels: Pixels | undefined;

  constructor(createCanvas: CreateCanvas) {
    this.#createCanvas = createCanvas;
  }

  /** Returns an empty surface. */
  surface(width: number, height: number): { surface: Surface; context: Canvas2D } {
    const kept = this.#surface?.width === width && this.#surface.height === height;
    if (!this.#surface || !kept) this.#surface = this.#createCanvas(width, height);
    const context = contextOf(this.#surface);
    if (kept) context.clearRect(0, 0, width, height);
    return { surface: this.#surface, context };
  }

  /** Returns a surface that is not reused, for a pattern. */
  tile(width: number, height: number): { surface: Surface; context: Canvas2D } {
    const surface = this.#createCanvas(width, height);
    return { surface, context: contextOf(surface) };
  }

  /** Returns an empty image for `putImageData` of the context. */
  pixels(context: Canvas2D, width: number, height: number): Pixels {
    const kept = this.#pixels?.width === width && this.#pixels.height === height;
    if (!this.#pixels || !kept) this.#pixels = context.createImageData(width, height);
    else this.#pixels.data.fill(0);
    return this.#pixels;
  }
}

function contextOf(surface: Surface): Canvas2D {
  const context = surface.getContext("2d");
  if (!context) throw new Error("The off-screen canvas has no 2D context.");
  return context;
}
