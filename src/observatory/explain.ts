import { SqlError, TimeoutError } from "../errors";

const LACKING =
  /^function (?:\w+\.)?(obs_\w+)\(.*\) does not exist|^(?:type|schema) "(geomval|cdb_\w+|observatory)" does not exist/is;
/** Functions that only the local server has. */
const OWN_DATA = /^obs_(un)?publish$|^obs_datasets?$/i;

/** Explains the error of a server without a Data Observatory; returns any other error unchanged. */
export function explainLacking(error: unknown): unknown {
  if (!(error instanceof SqlError)) return error;
  const [, called, type] = LACKING.exec(error.message) ?? [];
  const lacking = called ?? type;
  if (lacking === undefined) return error;
  const local = 'new CartoContext({ baseUrl: "local:" })';
  const message = OWN_DATA.test(lacking)
    ? `Your own data cannot be published to the Data Observatory of an account (function ${lacking} is missing). ` +
      `Publish it to the local server, or to your own database: ${local}.`
    : `This server has no Data Observatory (${lacking} is missing). If it is an account, ask its administrator to enable data services. ` +
      `The local server has an observatory: ${local}.`;
  return new SqlError(message, { ...error, position: undefined, hint: error.hint }, { cause: error });
}

/** Like `explainLacking`, for an augmentation, which may also exceed the time limit of an account. */
export function explainAugmenting(error: unknown): unknown {
  if (!(error instanceof TimeoutError)) return explainLacking(error);
  return new TimeoutError(
    `${error.message.split(" Let it work on")[0]} Augment fewer rows at a time (copy them to a table with ` +
      'cc.query("SELECT * FROM … WHERE …", { tableName })), or request fewer measures. For polygons, set geom_id to a coarser boundary level.',
    { cause: error },
  );
}
