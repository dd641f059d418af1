import type { Transport } from "../../api/transport";
import type { WriteReport } from "./write";

/** Prints the result of a write to the table that the user named `asked`, and how to look at it. */
export async function printReport(
  transport: Transport,
  report: Omit<WriteReport, "baseline">,
  asked: string,
): Promise<void> {
  const { table, rowCount, hasGeometry, renamed, warnings, coordinates, job, isSkipped, isAppended } = report;
  const { label } = table;
  for (const warning of warnings) console.warn(warning);
  if (isSkipped) {
    console.log(`Table "${label}" already exists and was kept. Nothing was written.`);
    return;
  }
  if (label !== asked) console.log(`The table is named "${label}".`);
  if (renamed.length > 0)
    console.log(["Columns renamed:", ...renamed.map(({ from, to }) => `  ${from} → ${to}`)].join("\n"));
  const { kind, baseUrl } = await transport.endpoint();
  const rows = `${rowCount.toLocaleString("en-US")} ${rowCount === 1 ? "row" : "rows"}`;
  const page = `${baseUrl}/dataset/${encodeURIComponent(label)}`;
  const advice = hasGeometry
    ? `Map it with \`await cc.map({ layers: new Layer(${JSON.stringify(label)}) })\`.`
    : `Read it with \`await cc.read(${JSON.stringify(label)})\`.`;
  console.log(
    job
      ? `Uploaded ${rows}. A batch job is creating the table "${label}". Wait for it with \`await job.wait()\` on the result of write.`
      : `${isAppended ? "Appended" : "Wrote"} ${rows} to "${label}"${kind === "local" ? `. ${advice}` : `: ${page}`}`,
  );
  if (coordinates) {
    const { lng, lat } = coordinates;
    const option = `{ lnglat: ${JSON.stringify([lng, lat])}${isAppended ? "" : ", overwrite: true"} }`;
    const what = isAppended ? "The new rows have" : "It has";
    console.log(`${what} no geometry. To make points of "${lng}" and "${lat}", pass ${option}.`);
  }
}
