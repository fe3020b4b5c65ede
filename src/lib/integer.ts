/** Greatest common divisor of two integers, not negative; gcd(0, n) = n. */
export function gcd(a: number, b: number): number {
  let x = a;
  let y = b;
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}
