/** School multiplication of 32-bit words in memory, for products of more than 64 bits. */
import { Code, I32, I64, Op } from "./encode.js";

/** Parameters: addresses of product, a and b, and the number of words; product = a * b modulo 2^(32 words). */
export function multiplierCode(): Code {
  const code = new Code([I32, I32, I32, I32]);
  const [product, a, b, words] = [0, 1, 2, 3];
  const i = code.local(I32);
  const j = code.local(I32);
  const carry = code.local(I64);
  const at = (base: number, index: () => void): Code => {
    code.get(base);
    index();
    return code.i32(2).op(Op.i32Shl, Op.i32Add);
  };
  const load = (base: number, index: () => void): Code =>
    at(base, index).memory(Op.i32Load, 0).op(Op.i64ExtendI32U);
  const plusOne = (local: number): Code => code.get(local).i32(1).op(Op.i32Add).tee(local);
  const sum = (): void => {
    code.get(i).get(j).op(Op.i32Add);
  };

  code.loop();
  at(product, () => code.get(i))
    .i32(0)
    .memory(Op.i32Store, 0);
  plusOne(i).get(words).op(Op.i32LtU).brIf(0).end();

  code.i32(0).set(i).loop();
  code.i32(0).set(j).i64(0n).set(carry).loop();
  // carry:word = a[i] * b[j] + product[i + j] + carry, which cannot pass 64 bits
  load(a, () => code.get(i));
  load(b, () => code.get(j)).op(Op.i64Mul);
  load(product, sum).op(Op.i64Add).get(carry).op(Op.i64Add).set(carry);
  at(product, sum).get(carry).op(Op.i32WrapI64).memory(Op.i32Store, 0);
  code.get(carry).i64(32n).op(Op.i64ShrU).set(carry);
  plusOne(j).get(i).op(Op.i32Add).get(words).op(Op.i32LtU).brIf(0).end();
  plusOne(i).get(words).op(Op.i32LtU).brIf(0).end();
  return code;
}
