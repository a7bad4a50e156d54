// Takes the types out of src/ and test/, into build/. It knows the TypeScript that is written here, no more:
// interfaces and type aliases at the top level, annotations by plain or generic names.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const NAME = String.raw`(?:string|number|boolean|unknown|void|[A-Z]\w*(?:<[^<>()]*(?:<[^<>()]*>[^<>()]*)*>)?)(?:\[\])*`;
const TYPE = String.raw`${NAME}(?: \| (?:${NAME}|null|undefined))*`;

export function strip(text) {
  return text
    .replace(/^(?:export )?interface \w+ \{[^]*?^\}\n/gm, "")
    .replace(/^(?:export )?type [^]*?;\n/gm, "")
    .replace(/^import type .*\n/gm, "")
    .replace(/\b(?:private |public |readonly )+/g, "")
    .replace(/new (\w+)<[^()]*>\(/g, "new $1(")
    .replace(new RegExp(String.raw`(\b\w+)\??: ${TYPE}(?=\s*(?:[,);]|= ))`, "g"), "$1")
    .replace(new RegExp(String.raw`\): ${TYPE}(?= (?:\{|=>))`, "g"), ")")
    .replace(/(from ".*)\.ts"/g, '$1.mjs"');
}

for (const folder of ["src", "test"]) {
  mkdirSync(`build/${folder}`, { recursive: true });
  for (const name of readdirSync(folder)) {
    writeFileSync(`build/${folder}/${name.replace(/ts$/, "mjs")}`, strip(readFileSync(`${folder}/${name}`, "utf8")));
  }
}
