/** A table with a column of each type, and hostile names and texts. */
import { ident } from "../../../src/sql";

/** Name of a column, and a text in others. */
export const HOSTILE = `a "b" 'c' \\ !bbox! $1 <%= x %> </script> ; --`;
const TEXTS = [
  "oak",
  "oak",
  "oak",
  "elm",
  "elm",
  "",
  HOSTILE,
  "!pixel_width!",
  "<b>\\'x\n\u2028é💧",
  "\u{1f4a7}".repeat(1200),
  "x".repeat(1001),
];

const literalOf = (text: string) =>
  `convert_from(decode('${Buffer.from(text).toString("hex")}', 'hex'), 'UTF8')`;

/** Returns SQL that creates the table, and a type `name_mood`. */
export const createKinds = (name: string): string => `
        CREATE TYPE ${name}_mood AS ENUM ('sad', 'so so', '!bbox!');
    CREATE TABLE ${name} (cartodb_id serial PRIMARY KEY, txt text, code char(7), feel ${name}_mood, id uuid, ok bool, small int2, whole int4, big int8, exact int8, num numeric, odd numeric, real float4,
      f float8, narrow float8, same float8, day date, at timestamptz, local timestamp, always timestamptz, doc json, docb jsonb, list int4[], words text[], raw bytea, nothing float8, ${ident(HOSTILE)} text, the_geom geometry(Point, 4326));
    INSERT INTO ${name} (txt, code, feel, id, ok, small, whole, big, exact, num, odd, real, f, narrow, same, day, at, local, always, doc, docb, list, words, raw, ${ident(HOSTILE)}, the_geom)
    SELECT (ARRAY[${TEXTS.map(literalOf).join(", ")}, NULL])[1 + i % ${TEXTS.length + 1}],
      (ARRAY['a', 'a  b', NULL])[1 + i % 3], (ARRAY['sad', 'so so', '!bbox!', NULL])[1 + i % 4]::${name}_mood, md5((i % 5)::text)::uuid, (ARRAY[true, false, NULL])[1 + i % 3],
      i % 7 - 3, i * i % 1000, (i % 8) * 1152921504606846977 - 4611686018427387904, i * 10007, (i % 50) / 8.0,
      (ARRAY['NaN', '0.1', '1e400', '-1e400', '1e-400', '12345678901234567890.12345', '1.797693134862315807e308', '2.5e-324', '-7', NULL])[1 + i % 10]::numeric,
      (ARRAY['0.1', 'NaN', '-Infinity', '3e38', NULL])[1 + i % 5]::float4,
      (ARRAY['NaN', 'Infinity', '-Infinity', NULL, '5e-324', '-1e308', '1.7e308', '0.1', '-0'])[1 + i % 9]::float8,
      CASE WHEN i % 11 = 0 THEN 'NaN' WHEN i % 13 = 0 THEN NULL ELSE sqrt(i) * 0.1 END, 0.3,
      CASE WHEN i % 6 > 0 THEN date '1999-12-28' + i * 40 END, CASE WHEN i % 5 > 0 THEN timestamptz '2020-02-29 23:59:58.987654+02' + i * interval '1 day 1 hour 1 minute' END,
      timestamp '0987-01-05 01:02' + i * interval '1 month', CASE i % 4 WHEN 0 THEN 'infinity' WHEN 1 THEN NULL WHEN 2 THEN '0044-03-15 12:00:00.5+00 BC' ELSE '2001-02-03 04:05:06+07' END::timestamptz,
      (ARRAY['{"a" : [1, 2],\n "b \\" : x": "y  z"}', '"a  text"', 'null', '12', NULL])[1 + i % 5]::json, (ARRAY['{"a": [1, {"b": ", : "}]}', '"!bbox!"', 'null', 'true', NULL])[1 + i % 5]::jsonb,
      CASE WHEN i % 3 > 0 THEN ARRAY[i, NULL, 3] END, ARRAY['a', 'b "c"', ${literalOf(HOSTILE)}], decode(md5(i::text), 'hex'),
      (ARRAY['red', 'green', NULL])[1 + i % 3], ST_SetSRID(ST_MakePoint(i * 1.5 - 175, (i * 7919 % 140) - 70), 4326)
    FROM generate_series(0, 227) AS i`;
