declare module "subset-font" {
  /** Returns the font with only the characters of the text; without layout closure, no other shapes of these. */
  export default function subsetFont(
    font: Uint8Array,
    text: string,
    options: { targetFormat: "sfnt" | "woff" | "woff2"; noLayoutClosure?: boolean },
  ): Promise<Uint8Array>;
}
