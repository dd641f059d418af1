/** Reads XML in pieces, so that only one of the wanted elements is in memory at a time. */
import { SaxesParser } from "saxes";
import { ImportFailure } from "../errors";

/** An element without namespaces, since many files use prefixes that they do not declare. */
export interface XmlElement {
  /** Name without prefix. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (XmlElement | string)[];
}

const MAX_DEPTH = 200;
/** Largest element and largest value, in characters; an element counts as `ELEMENT_CHARS` in addition to its text. */
const MAX_CHARS = 64 * 1024 ** 2;
const ELEMENT_CHARS = 100;

const localName = (name: string) => name.slice(name.indexOf(":") + 1);

/**
 * Yields each outermost element with one of the given names when it is complete.
 * @throws ImportFailure 2001 if the text is not XML or is nested too deeply, 6666 if an element is too large
 */
export async function* xmlElements(
  text: AsyncIterable<string>,
  names: ReadonlySet<string>,
): AsyncGenerator<XmlElement> {
  const collector = new Collector(names);
  for await (const piece of withoutBlankStart(text)) yield* collector.add(piece);
  yield* collector.end();
}

/** Removes blanks at the start, because nothing may precede an XML declaration. */
async function* withoutBlankStart(text: AsyncIterable<string>): AsyncGenerator<string> {
  let hasStarted = false;
  for await (const piece of text) {
    const rest: string = hasStarted ? piece : piece.trimStart();
    hasStarted ||= rest !== "";
    yield rest;
  }
}

type OpenElement = XmlElement & { readonly children: (XmlElement | string)[] };

class Collector {
  readonly #parser = new SaxesParser();
  readonly #names: ReadonlySet<string>;
  #complete: XmlElement[] = [];
  /** Elements that are being collected, from the wanted one inwards. */
  readonly #open: OpenElement[] = [];
  #depth = 0;
  /** Size of the collected element. */
  #chars = 0;
  /** Size of the text since the last event: that of a value, a comment or a tag which has not ended. */
  #pending = 0;

  constructor(names: ReadonlySet<string>) {
    this.#names = names;
    const parser = this.#parser;
    parser.on("error", (error) => {
      throw new ImportFailure(2001, `The file is not valid XML: ${error.message}.`, { cause: error });
    });
    parser.on("opentag", ({ name, attributes }) => this.#enter(localName(name), attributes));
    parser.on("closetag", () => this.#leave());
    parser.on("text", (text) => this.#addText(text));
    parser.on("cdata", (text) => this.#addText(text));
    parser.on("comment", () => {
      this.#pending = 0;
    });
  }

  add(text: string): XmlElement[] {
    this.#pending += text.length;
    this.#parser.write(text);
    checkSize(this.#pending);
    return this.#taken();
  }

  end(): XmlElement[] {
    this.#parser.close();
    return this.#taken();
  }

  #taken(): XmlElement[] {
    const taken = this.#complete;
    this.#complete = [];
    return taken;
  }

  #enter(name: string, attributes: Record<string, string>): void {
    this.#pending = 0;
    if (++this.#depth > MAX_DEPTH)
      throw new ImportFailure(2001, `Elements are nested deeper than ${MAX_DEPTH} levels.`);
    if (this.#open.length === 0 && !this.#names.has(name)) return;
    const element = { name, attributes, children: [] };
    this.#grow(ELEMENT_CHARS + Object.values(attributes).join("").length);
    this.#open.at(-1)?.children.push(element);
    this.#open.push(element);
  }

  #leave(): void {
    this.#pending = 0;
    this.#depth--;
    const element = this.#open.pop();
    if (element === undefined || this.#open.length > 0) return;
    this.#complete.push(element);
    this.#chars = 0;
  }

  #addText(text: string): void {
    this.#pending = 0;
    const element = this.#open.at(-1);
    if (element === undefined) return;
    this.#grow(text.length);
    element.children.push(text);
  }

  #grow(chars: number): void {
    this.#chars += chars;
    checkSize(this.#chars);
  }
}

function checkSize(chars: number): void {
  if (chars > MAX_CHARS)
    throw new ImportFailure(6666, "An element of the file has more than 64 million characters. Split it.");
}

const isElement = (child: XmlElement | string): child is XmlElement => typeof child === "object";

export const childElements = ({ children }: XmlElement): XmlElement[] => children.filter(isElement);

export const childrenNamed = (element: XmlElement, name: string): XmlElement[] =>
  childElements(element).filter((child) => child.name === name);

export const childNamed = (element: XmlElement, name: string): XmlElement | undefined =>
  childElements(element).find((child) => child.name === name);

/** Returns the text of an element, including that of the elements in it. */
export const textOfElement = ({ children }: XmlElement): string =>
  children.map((child) => (isElement(child) ? textOfElement(child) : child)).join("");
