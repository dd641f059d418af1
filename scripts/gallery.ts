/**
 * `npm run gallery`: runs the cells of docs/gallery.md and the first one of docs/explore.md in the real kernel and writes the
 * images that they show, as the cells show them.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { localHome } from "../src/local/home";
import { stopServer } from "../src/local/launcher";
import { kernelForDocs } from "../test/support/docs-kernel";

const DOCS = resolve(__dirname, "../docs");

async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "cartoframes-gallery-"));
  const kernel = await kernelForDocs(home);
  try {
    for (const { image, code } of [...sectionsOf("gallery.md"), ...sectionsOf("explore.md").slice(0, 1)]) {
      const { status, stderr, results } = await kernel.execute(code);
      if (status !== "ok") throw new Error(stderr);
      const png = results.flatMap((output) => ("data" in output ? [output.data["image/png"]] : [])).at(-1);
      if (image === undefined || png === undefined) continue;
      writeFileSync(join(DOCS, image), Buffer.from([png].flat().join(""), "base64"));
      console.log(`Wrote docs/${image}.`);
    }
  } finally {
    await kernel.shutdown();
    await stopServer(localHome(home));
    rmSync(home, { recursive: true, force: true });
  }
}

/** Each cell, with the image above it. */
function sectionsOf(file: string): { image: string | undefined; code: string }[] {
  const text = readFileSync(join(DOCS, file), "utf8");
  return text.split(/^## /m).flatMap((section) => {
    const code = /^```ts\n(.*?)^```$/ms.exec(section)?.[1];
    return code === undefined ? [] : [{ image: /\]\((images\/[^)]+)\)/.exec(section)?.[1], code }];
  });
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
