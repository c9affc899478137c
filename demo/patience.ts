/** How many times longer than elsewhere things may take here: `MARGAY_PATIENCE`, 1 if it is not set; the lab sets it in its guest. */
export const patience = read(process.env.MARGAY_PATIENCE ?? '1');

function read(text: string): number {
  const value = Number(text);
  if (!(value >= 1 && value <= 100)) throw new Error(`MARGAY_PATIENCE=${text}: a number from 1 to 100`);
  return value;
}
