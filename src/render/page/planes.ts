/** Numbers as one byte that says how many planes follow, then the planes: every lowest byte, every second byte, … */
export function encodePlanes(values: Uint32Array): Uint8Array {
  let used = 0;
  for (let i = 0; i < values.length; i++) used |= values[i]!;
  const planes = Math.ceil((32 - Math.clz32(used)) / 8);
  const bytes = new Uint8Array(1 + planes * values.length);
  bytes[0] = planes;
  for (let plane = 0; plane < planes; plane++) {
    const at = 1 + plane * values.length;
    for (let i = 0; i < values.length; i++) bytes[at + i] = values[i]! >>> (8 * plane);
  }
  return bytes;
}
