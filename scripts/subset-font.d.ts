declare module "subset-font" {
  /** Returns the font with only the characters of the text. */
  export default function subsetFont(
    font: Uint8Array,
    text: string,
    options: { targetFormat: "sfnt" | "woff" | "woff2" },
  ): Promise<Uint8Array>;
}
