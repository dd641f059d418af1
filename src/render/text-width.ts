/** Estimates the width of a text in a sans-serif font, rather too wide than too narrow. */
export function textWidth(text: string, px: number): number {
  let em = 0;
  for (const letter of text) {
    if (letter > "\u2e7f")
      em += 1; // Chinese, Japanese, Korean, emoji
    else if ("iljtfrI.,:;'|!()[] ".includes(letter)) em += 0.36;
    else if (letter === "-") em += 0.48;
    else if ("mwMW@%—".includes(letter)) em += 0.95;
    else em += letter === letter.toLowerCase() ? 0.6 : 0.7;
  }
  return em * px;
}
