/** Takes the lock of a directory, says so, and holds it until it is killed. */
import { lockDataDir } from "../../../src/server/engine/lock";

lockDataDir(process.argv[2]!).then(
  () => {
    process.stdout.write("held\n");
    setInterval(() => {}, 1000);
  },
  (error: Error) => process.stdout.write(`${error.message}\n`),
);
