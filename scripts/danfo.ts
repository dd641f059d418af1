/** Bundles danfo.js into `dist/danfo.js`, without the parts that make the npm package 267 MB. */
import { join } from "node:path";
import type { BuildOptions, Plugin } from "esbuild";

const ROOT = join(__dirname, "..");

/** Stand-ins for dependencies of danfo, with only the parts that danfo uses. */
const STAND_INS: Readonly<Record<string, string>> = {
  // TensorFlow.js in plain JavaScript instead of the native library. danfo's arithmetic and comparisons use tensors.
  "@tensorflow/tfjs-node": `
    import "@tensorflow/tfjs-backend-cpu";
    import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops";
    import { array } from "@tensorflow/tfjs-data";
    export { backend, moments, scalar, Tensor, tensor1d, tensor2d } from "@tensorflow/tfjs-core";
    export const data = { array };`,
  mathjs: 'export { mean, median, mode, std, variance } from "mathjs/number";',
  "node-fetch": "export default (...request) => fetch(...request);",
};

const standIns: Plugin = {
  name: "stand-ins",
  setup({ onResolve, onLoad }) {
    const names = new RegExp(`^(${Object.keys(STAND_INS).join("|")})$`);
    onResolve({ filter: names }, ({ path, namespace }) =>
      namespace === "stand-in" ? undefined : { path, namespace: "stand-in" },
    );
    onLoad({ filter: /./, namespace: "stand-in" }, ({ path }) => ({
      contents: STAND_INS[path],
      resolveDir: ROOT,
    }));
  },
};

export const DANFO_BUNDLE = {
  entryPoints: { danfo: "danfojs-node" },
  bundle: true,
  minify: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  mainFields: ["module", "main"],
  alias: { xlsx: "@e965/xlsx", request: join(ROOT, "src/frame/danfo-request.ts") },
  external: ["plotly.js-dist-min"], // for plots in a browser only
  plugins: [standIns],
  // Two copies of TensorFlow.js in one process, ours and that of a project's own danfojs-node, would share what they
  // keep on the global object, and print 250 warnings.
  mangleProps: /^_tf(Globals|engine)$/,
  mangleCache: { _tfGlobals: "_cartoframesTfGlobals", _tfengine: "_cartoframesTfEngine" },
  legalComments: "none", // THIRD_PARTY_NOTICES.md has them
  logLevel: "warning",
} satisfies BuildOptions;

/** Makes our own bundles load danfo from `dist/danfo.js`. */
export const danfoBeside: Plugin = {
  name: "danfo-beside",
  setup({ onResolve }) {
    onResolve({ filter: /^danfojs-node$/ }, () => ({ path: "./danfo.js", external: true }));
  },
};
