/** Every operation of the arithmetic contract, one function each, on typed arrays that the caller owns. */
export * from "./attention.js";
export * from "./cache.js";
export * from "./headnorm.js";
export * from "./matrix.js";
export * from "./scale.js";
export * from "./silu.js";
export * from "./vector.js";
