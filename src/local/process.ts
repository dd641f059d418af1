import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * Whether a process of this number runs. One that was killed while its parent is busy stays in the list, as a
 * zombie, until the parent looks at it: it holds nothing any more.
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

/** Tells two processes of one number apart; the empty string where the platform does not say. */
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

/** The fields of /proc/pid/stat from the third, the state, on: those before may contain anything. */
function processStat(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
