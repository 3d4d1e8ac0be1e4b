/**
 * CRC-32 as the loader computes it while the model comes out of the flash, highest bit of each byte first: polynomial 0x04C11DB7,
 * no final inversion. It begins with the identity of the microprogram instead of ones, so that a model that was laid out for another
 * program is as wrong as a damaged one.
 */
export const CRC_BITS = 32;
export const CRC_POLYNOMIAL = 0x04c11db7;

/** An unsigned number. */
export const crc32 = (bytes: Uint8Array, start: number): number => {
  let crc = start >>> 0;
  for (const byte of bytes)
    for (let bit = 7; bit >= 0; bit--) {
      const feedback = (crc >>> 31) ^ ((byte >> bit) & 1);
      crc = ((crc << 1) ^ (feedback === 1 ? CRC_POLYNOMIAL : 0)) >>> 0;
    }
  return crc;
};
