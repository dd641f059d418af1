/** The part of gdal3.js that the worker uses. Its own declarations omit `Module` and the type of `ogrinfo`. */
declare module "gdal3.js/node" {
  interface Options {
    /** Folder of the .wasm and .data files, relative to the working directory. */
    readonly path: string;
    /** Folder of this machine that is mounted as `/output`. */
    readonly dest: string;
    readonly useWorker: false;
    /** Configuration options of GDAL. */
    readonly env: Readonly<Record<string, string>>;
    readonly logHandler: (line: string) => void;
    readonly errorHandler: (line: string) => void;
  }

  interface Dataset {
    readonly pointer: number;
  }

  interface Gdal {
    readonly Module: {
      ccall(name: string, result: "number", types: readonly string[], values: readonly unknown[]): number;
      _malloc(bytes: number): number;
      _free(pointer: number): void;
      lengthBytesUTF8(text: string): number;
      stringToUTF8(text: string, pointer: number, bytes: number): void;
      setValue(pointer: number, value: number, type: "*"): void;
    };
    ogrinfo(dataset: Dataset, options: readonly string[]): Promise<unknown>;
    open(path: string): Promise<{ datasets: Dataset[] }>;
    ogr2ogr(
      dataset: Dataset,
      options: readonly string[],
      outputName: string,
    ): Promise<{ all: { real: string }[] }>;
    close(dataset: Dataset): Promise<void>;
  }

  export default function initGdal(options: Options): Promise<Gdal>;
}
