import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * True if a process with this id runs. A zombie does not count: it was killed and holds no resources, but stays in the
 * process table until its parent collects it.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || processStat(pid)[0] !== "Z";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // EACCES: /proc may hide the processes of others
    return code === "EPERM" || code === "EACCES";
  }
}

/**
 * Returns the start time of a process, which tells processes with a reused id apart; empty if the platform has none.
 */
export function processStart(pid: number): string {
  try {
    if (process.platform === "linux") {
      const startTicks = processStat(pid)[19]; // field 22 of proc(5)
      return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${startTicks}`;
    }
    if (process.platform === "win32") return "";
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}

/** Returns the fields of /proc/pid/stat from the third (state) on. The second, the name, may contain anything. */
function processStat(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
