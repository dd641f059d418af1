import { readFileSync } from "node:fs";

/** What is asked of a process while it works, and most of it at once: 20 times a second. */
const SAMPLE_MS = 50;

/** Megabytes that a process has in memory, as Linux tells them. */
export function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;
}

/** Runs the work; by how many megabytes the process grew meanwhile, at its highest. */
export async function growthMb(pid: number, work: () => Promise<unknown>): Promise<number> {
  const before = residentMb(pid);
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, residentMb(pid));
  }, SAMPLE_MS);
  await work().finally(() => clearInterval(watch));
  return most - before;
}
