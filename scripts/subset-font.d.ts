declare module "subset-font" {
  /** The font with nothing but what the text's characters need. */
  export default function subsetFont(
    font: Uint8Array,
    text: string,
    options: { targetFormat: "sfnt" | "woff" | "woff2" },
  ): Promise<Uint8Array>;
}
