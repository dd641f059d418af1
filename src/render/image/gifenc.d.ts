declare module "gifenc" {
  /** Red, green and blue, each 0–255. */
  type Color = [red: number, green: number, blue: number];
  interface FrameOptions {
    /** On the first frame, the global palette. */
    palette?: readonly Color[];
    /** Duration of the frame in milliseconds. */
    delay?: number;
    /** 0 repeats forever; -1 plays once. */
    repeat?: number;
    transparent?: boolean;
    transparentIndex?: number;
    /** 1 keeps the frame when the next one is painted. */
    dispose?: number;
  }
  interface Encoder {
    writeFrame(index: Uint8Array, width: number, height: number, options: FrameOptions): void;
    finish(): void;
    bytes(): Uint8Array;
    readonly stream: { readonly buffer: ArrayBufferLike };
    bytesView(): Uint8Array;
  }
  export function GIFEncoder(options?: { initialCapacity?: number }): Encoder;
  export function quantize(
    rgba: Uint8Array | Uint8ClampedArray,
    maxColors: number,
    options?: object,
  ): Color[];
  export function nearestColorIndex(palette: readonly Color[], color: readonly number[]): number;
}
