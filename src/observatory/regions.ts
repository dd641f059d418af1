/** The regions that can be given by name, and their tags in the catalog. */

export interface Region {
  readonly name: string;
  /** Tag without its prefix `section/`. */
  readonly tag: string;
}

/** The list of CARTO's Python client. Spellings are in lower case. */
const REGIONS: readonly (Region & { readonly spellings: readonly string[] })[] = [
  { name: "Australia", tag: "tags.au", spellings: ["australia"] },
  { name: "Brazil", tag: "tags.br", spellings: ["brazil", "brasil"] },
  { name: "Canada", tag: "tags.ca", spellings: ["canada"] },
  { name: "European Union", tag: "tags.eu", spellings: ["european union", "eu", "e.u."] },
  { name: "France", tag: "tags.fr", spellings: ["france"] },
  { name: "Mexico", tag: "tags.mx", spellings: ["mexico", "méxico", "méjico"] },
  { name: "Spain", tag: "tags.spain", spellings: ["spain", "espana", "españa"] },
  { name: "United Kingdom", tag: "tags.uk", spellings: ["uk", "u.k.", "united kingdom"] },
  {
    name: "United States",
    tag: "tags.united_states",
    spellings: ["united states", "united states of america", "us", "usa", "u.s.", "u.s.a."],
  },
];

export const REGION_NAMES: readonly string[] = REGIONS.map(({ name }) => name);
export const REGION_SPELLINGS: readonly string[] = REGIONS.flatMap(({ spellings }) => spellings);

/** Returns the region with this name, ignoring case, or undefined. */
export function regionNamed(name: string): Region | undefined {
  const spelling = name.trim().normalize("NFC").toLowerCase();
  return REGIONS.find(({ spellings }) => spellings.includes(spelling));
}
