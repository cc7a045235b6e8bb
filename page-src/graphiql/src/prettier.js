// GraphiQL's "prettify". It asks prettier for both languages; for JSON that would be prettier's
// whole JavaScript side (536 kB), so JSON goes to jsonc-parser, which the page carries anyway.
import { applyEdits, format as edits } from "jsonc-parser";

export async function format(text, options) {
  if (options.parser === "jsonc") {
    return applyEdits(text, edits(text, undefined, { insertSpaces: true, tabSize: 2 }));
  }
  const prettier = await import("../node_modules/prettier/standalone.mjs");
  return prettier.format(text, options);
}
