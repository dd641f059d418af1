/** Decodes text like `TextDecoder`, also where Node.js does not. */

/** Characters of the bytes 80 to 9F in Windows-1252; the five without a character stay control characters. */
const WINDOWS_1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

export type Decoder = InstanceType<typeof TextDecoder>;

/** Some versions of Node.js decode Windows-1252 as Latin 1 (https://github.com/nodejs/node/issues/56542). */
class Windows1252Decoder extends TextDecoder {
  constructor() {
    super("windows-1252");
  }

  override decode(...input: Parameters<Decoder["decode"]>): string {
    return super
      .decode(...input)
      .replace(/[\x80-\x9f]/g, (character) => WINDOWS_1252.charAt(character.charCodeAt(0) - 0x80));
  }
}

/** @throws RangeError for an unknown encoding */
export function textDecoder(label: string): Decoder {
  const decoder = new TextDecoder(label);
  return decoder.encoding === "windows-1252" ? new Windows1252Decoder() : decoder;
}
