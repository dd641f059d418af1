import { readFileSync } from "node:fs";

/** Interval at which the memory of a working process is sampled: 20 times a second. */
const SAMPLE_MS = 50;

/** Returns the resident memory of a process in megabytes, from /proc. */
function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;
}

/** Runs the work and returns the peak growth of the process in megabytes. */
export async function growthMb(pid: number, work: () => Promise<unknown>): Promise<number> {
  const before = residentMb(pid);
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, residentMb(pid));
  }, SAMPLE_MS);
  await work().finally(() => clearInterval(watch));
  return most - before;
}
