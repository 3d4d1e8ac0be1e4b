/** For tests: what people read, with the places of the test's own file as F:L:C. */
import assert from "node:assert/strict";
import { HdlError } from "./errors.js";

/** The whole message of the HdlError, or "no error". */
export const messageOf = (describeIt: () => unknown): string => {
  try {
    describeIt();
  } catch (error) {
    assert.ok(error instanceof HdlError, String(error));
    return error.message.replace(/[\w/]+\.test\.ts:\d+:\d+/g, "F:L:C");
  }
  return "no error";
};
