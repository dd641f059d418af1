declare module "pgpass" {
  /** Looks a password up in the password file; undefined if there is none. */
  export default function pgpass(
    connection: { host: string; port: number; database: string; user: string },
    found: (password: string | undefined) => void,
  ): void;
}
