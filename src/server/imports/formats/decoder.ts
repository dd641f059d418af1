/** Names of encodings, and decoders like `TextDecoder` also for those that Node.js does not have. */
import { encodingExists, getDecoder } from "iconv-lite";

/** Characters of the bytes 80 to 9F in Windows-1252; the five without a character stay control characters. */
const WINDOWS_1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

export interface Decoder {
  readonly encoding: string;
  decode(bytes?: Uint8Array, options?: { stream?: boolean }): string;
}

/** Some versions of Node.js decode Windows-1252 as Latin 1 (https://github.com/nodejs/node/issues/56542). */
class Windows1252Decoder extends TextDecoder {
  constructor() {
    super("windows-1252");
  }

  override decode(...input: Parameters<InstanceType<typeof TextDecoder>["decode"]>): string {
    return super
      .decode(...input)
      .replace(/[\x80-\x9f]/g, (character) => WINDOWS_1252.charAt(character.charCodeAt(0) - 0x80));
  }
}

/** @throws RangeError for an unknown encoding */
export function textDecoder(label: string): Decoder {
  if (OF_ICONV.test(label)) {
    const decoder = getDecoder(label); // all are of one byte a character, so no state is kept between calls
    return { encoding: label, decode: (bytes) => (bytes ? decoder.write(Buffer.from(bytes)) : "") };
  }
  const decoder = new TextDecoder(label);
  return decoder.encoding === "windows-1252" ? new Windows1252Decoder() : decoder;
}

/** Code pages whose name for `TextDecoder` is not `windows-` or `iso-8859-` and a number. */
const CODE_PAGES: Readonly<Record<number, string>> = {
  866: "ibm866",
  932: "shift_jis",
  936: "gbk",
  949: "euc-kr",
  950: "big5",
  10000: "macintosh",
  10006: "macgreek",
  10007: "x-mac-cyrillic",
  10029: "maccenteuro",
  20866: "koi8-r",
  20932: "euc-jp",
  21866: "koi8-u",
  51932: "euc-jp",
  51949: "euc-kr",
  54936: "gb18030",
  65001: "utf-8",
};

/** Returns the name of a code page of Windows, DOS or macOS, if it can be decoded. */
export function encodingOfCodePage(page: number): string | undefined {
  const iso = page - 28590;
  return [CODE_PAGES[page], `windows-${page}`, `iso-8859-${iso}`, `cp${page}`]
    .map((label) => label && decodable(label))
    .find(Boolean);
}

/** Returns the encoding that a file declares, in any of the usual spellings: `8859_2`, `ANSI 1251`, `OEM 850`, `IBM866`, … */
export function encodingOfLabel(label: string): string | undefined {
  const plain = label
    .replace(/[\0\ufeff"']/g, "")
    .trim()
    .toLowerCase();
  const iso = /^(?:iso)?[\s_-]*8859[\s_-]*(\d\d?)$/.exec(plain)?.[1];
  if (iso) return decodable(`iso-8859-${iso}`);
  const page = /^(?:windows|win|ansi|oem|dos|ibm|ms|x?-?cp|code ?page)?[\s_-]*(\d{3,5})$/.exec(plain)?.[1];
  if (page) return encodingOfCodePage(Number(page));
  return decodable(plain) ?? decodable(plain.replace(/[\s_]+/g, "-"));
}

/** Encodings that only iconv-lite decodes: code pages of DOS, and two of the Macintosh. */
const OF_ICONV = /^(?:cp\d{3,5}|macgreek|maccenteuro)$/;

function decodable(label: string): string | undefined {
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return OF_ICONV.test(label) && encodingExists(label) ? label : undefined;
  }
}
