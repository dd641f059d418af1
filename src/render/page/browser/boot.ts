/**
 * The page's first script: unpacks the program, which is deflated as everything else in the page, and runs it. Its
 * hash and the program's are in the page's Content-Security-Policy, so no other script can run.
 */

/** Bytes of a deflated block of the page; empty if the page has no such block. */
export type Unpack = (id: string) => Promise<Uint8Array>;

declare global {
  interface Window {
    /** Defined by the program. */
    showMap(unpack: Unpack): Promise<void>;
  }
}

const unpack: Unpack = async (id) => {
  const text = atob(document.getElementById(id)?.textContent ?? "");
  if (text === "") return new Uint8Array(0);
  const deflated = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) deflated[i] = text.charCodeAt(i);
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};

async function start(): Promise<void> {
  if (!("DecompressionStream" in window)) throw new Error("this browser is too old to unpack it");
  const script = document.createElement("script");
  script.textContent = new TextDecoder().decode(await unpack("program"));
  document.head.append(script);
  await window.showMap(unpack);
}

/** The picture under the map stays visible. */
function fail(error: unknown): void {
  document.getElementById("map")?.remove();
  document.getElementById("still")?.removeAttribute("hidden");
  const message = document.createElement("p");
  message.id = "problem";
  message.setAttribute("role", "alert");
  message.textContent = `A picture of the map; it cannot be moved: ${error instanceof Error ? error.message : error}.`;
  document.body.append(message);
}

start().catch(fail);
