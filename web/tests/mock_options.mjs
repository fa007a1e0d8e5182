// SPDX-License-Identifier: Apache-2.0
// The options of a run as GET options gives them, read from the table of docs/guide/options.md.
import { readFileSync } from "node:fs";

const kFile = new URL("../../docs/guide/options.md", import.meta.url);

export const options = (() => {
  const found = [];
  let group = "";
  for (const line of readFileSync(kFile, "utf8").split("\n")) {
    group = /^## (.*)/.exec(line)?.[1] ?? group;
    const cells = /^\| `(--[^`]*)` \| `([^`]*)` \| (.*?) \| (.*?) \| (.*) \|$/.exec(line);
    if (!cells) continue;
    const [, flag, key, byDefault, allowed, help] = cells;
    const value = byDefault.split(";")[0];
    const range = /\[([^,]+), ([^\]]+)\]/.exec(allowed);
    found.push({
      name: key.split(".").pop(),
      flag,
      group,
      help,
      kind: kindOf(allowed),
      value: value === "none" ? "" : value,
      low: range ? Number(range[1]) : null,
      high: range ? Number(range[2]) : null,
      choices: allowed.startsWith("one of ") ? allowed.slice(7).split(", ") : [],
      value_name: allowed === "a path" ? "FILE" : "TEXT",
      common: false,
      path: allowed === "a path",
    });
  }
  return found;
})();

function kindOf(allowed) {
  if (allowed === "true or false") return "flag";
  if (allowed.startsWith("one of ")) return "choice";
  if (allowed.startsWith("a whole number")) return "integer";
  if (allowed.startsWith("a number")) return "number";
  return allowed.startsWith("two numbers") ? "pair" : "text";
}
