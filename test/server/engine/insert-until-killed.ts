/** Inserts numbers one by one and reports each that was acknowledged; its parent kills it. */
import { openPglite } from "../../../src/server/engine/pglite";

async function main(): Promise<void> {
  const engine = await openPglite({ dataDir: process.argv[2]! });
  const { statements } = await engine.query(
    "CREATE TABLE IF NOT EXISTS acked (n bigint PRIMARY KEY, pad text); SELECT max(n) FROM acked",
  );
  let n = Number(statements.at(-1)!.rows[0]![0] ?? 0);
  process.stdout.write("ready\n");
  for (;;) {
    n++;
    await engine.query(`INSERT INTO acked SELECT ${n}, repeat('x', ${(n * 7919) % 5000})`);
    process.stdout.write(`${n}\n`);
    // Something of each kind under way whenever the kill comes.
    if (n % 5 === 0)
      await engine.query(
        "SELECT count(*) FROM (SELECT n FROM generate_series(1, 300000) n ORDER BY random()) t",
      );
    if (n % 7 === 0) await engine.copyOut("COPY acked TO STDOUT").then(({ stream }) => stream.resume());
    if (n % 11 === 0) await engine.query("CHECKPOINT").catch(() => {});
  }
}

void main();
