import type { Listener } from "../harness/session.js";

/** For tests, which only look at the result. */
export const quiet: Listener = { token: () => {}, progress: () => {} };
