declare module "gifenc" {
  /** Red, green, blue: 0–255. */
  type Color = [red: number, green: number, blue: number];
  interface FrameOptions {
    /** Of the first frame: the global one. */
    palette?: readonly Color[];
    /** Milliseconds. */
    delay?: number;
    /** 0: for ever, -1: once. */
    repeat?: number;
    transparent?: boolean;
    transparentIndex?: number;
    /** 1: what is there stays. */
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
