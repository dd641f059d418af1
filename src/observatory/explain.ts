import { SqlError, TimeoutError } from "../errors";

const LACKING =
  /^function (?:\w+\.)?(obs_\w+)\(.*\) does not exist|^(?:type|schema) "(geomval|cdb_\w+|observatory)" does not exist/is;
/** What only the local server has. */
const OWN_DATA = /^obs_(un)?publish$|^obs_datasets?$/i;

/** What a server without a Data Observatory says, in words; every other error as it is. */
export function explainLacking(error: unknown): unknown {
  if (!(error instanceof SqlError)) return error;
  const [, called, type] = LACKING.exec(error.message) ?? [];
  const lacking = called ?? type;
  if (lacking === undefined) return error;
  const local = 'new CartoContext({ baseUrl: "local:" })';
  const message = OWN_DATA.test(lacking)
    ? `The Data Observatory of an account takes no data of one's own (it has no ${lacking}). ` +
      `The local server's does, and that of a database of yours: ${local}.`
    : `This server has no Data Observatory (it has no ${lacking}). Of an account the data services may not be enabled: ask who administers it. ` +
      `The local server has one: ${local}.`;
  return new SqlError(message, { ...error, position: undefined, hint: error.hint }, { cause: error });
}

/** The same of an augmentation, which may also take longer than an account allows. */
export function explainAugmenting(error: unknown): unknown {
  if (!(error instanceof TimeoutError)) return explainLacking(error);
  return new TimeoutError(
    `${error.message.split(" Let it work on")[0]} Augment fewer rows at a time (make a table of them first: ` +
      'cc.query("SELECT * FROM … WHERE …", { tableName })), or ask for fewer measures. For polygons a coarser boundary level helps: geom_id.',
    { cause: error },
  );
}
