/**
 * The first script of the page: unpacks the program, which is deflated like everything else in the page, and runs it. The
 * page's Content-Security-Policy names the hashes of both, so no other script can run.
 */

/** Inflates a block of the page; returns no bytes if the page lacks the block. */
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
  if (!("DecompressionStream" in window)) throw new Error("this browser is too old");
  const script = document.createElement("script");
  script.textContent = new TextDecoder().decode(await unpack("program"));
  document.head.append(script);
  await window.showMap(unpack);
}

/** Removes the map, so that the image below it shows. */
function fail(error: unknown): void {
  document.getElementById("map")?.remove();
  document.getElementById("still")?.removeAttribute("hidden");
  const message = document.createElement("p");
  message.id = "problem";
  message.setAttribute("role", "alert");
  message.textContent = `This is a static image of the map. The live map could not start: ${error instanceof Error ? error.message : error}.`;
  document.body.append(message);
}

start().catch(fail);
