/** The board cannot do what is asked, a tool of the flow is not there, did not do its work, or timing is missed: exit code 2. */
export class FlowError extends Error {
  override name = "ToolError";
}
