import type { Transport } from "../../api/transport";
import type { WriteReport } from "./write";

/** Prints what a write did to the table that was `asked` for, and where to look at it. */
export async function printReport(
  transport: Transport,
  report: Omit<WriteReport, "baseline">,
  asked: string,
): Promise<void> {
  const { table, rowCount, hasGeometry, renamed, warnings, job, isSkipped } = report;
  const { label } = table;
  for (const warning of warnings) console.warn(warning);
  if (isSkipped) {
    console.log(`There is a table ${label}, and it is left as it was: nothing was written.`);
    return;
  }
  if (label !== asked) console.log(`The table is named ${label}.`);
  if (renamed.length > 0)
    console.log(["Columns renamed:", ...renamed.map(({ from, to }) => `  ${from} → ${to}`)].join("\n"));
  const { kind, baseUrl } = await transport.endpoint();
  const page = kind === "local" ? "" : `: ${baseUrl}/dataset/${encodeURIComponent(label)}`;
  const rows = `${rowCount.toLocaleString("en-US")} ${rowCount === 1 ? "row" : "rows"}`;
  const call = hasGeometry
    ? `cc.map({ layers: new Layer(${JSON.stringify(label)}) })`
    : `cc.read(${JSON.stringify(label)})`;
  if (!job) console.log(`${rows} written to ${label}${page || `. Look at it: await ${call}`}`);
  else {
    console.log(
      `${rows} sent. A job makes the table ${label} of them, which takes a while: await job.wait() on what write returns${page || "."}`,
    );
  }
}
