// Gathers the licence of every package that ends in the built files: one THIRD_PARTY_LICENSES.txt,
// which the wheel carries. A package without a licence text stops the build.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const packageOf = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;

// Published without their licence text: the one of another package of the same repository or author.
const kin = {
  "@graphiql/plugin-doc-explorer": "@graphiql/toolkit",
  "@graphiql/plugin-history": "@graphiql/toolkit",
  "react-compiler-runtime": "react",
  "react-remove-scroll-bar": "react-remove-scroll",
};
const isLicence = /^(licen[cs]e|copying|notice|thirdpartynotices)/i;

function entry(folder) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, "package.json")));
  const home = name in kin ? path.join("node_modules", kin[name]) : folder;
  const texts = readdirSync(home).filter((file) => isLicence.test(file)).sort();
  if (texts.length === 0) throw new Error(`${name} ${version} (${license}) has no licence text`);
  const body = texts.map((file) => readFileSync(path.join(home, file), "utf8").trim());
  return { name, version, license, text: body.join("\n\n").replaceAll("\r\n", "\n") };
}

/** Two plugins over one list: `seen` for the page and each worker, `written` for the page alone. */
export function licences() {
  const folders = new Set();
  const seen = {
    name: "licences-seen",
    generateBundle(_options, bundle) {
      for (const { modules = {} } of Object.values(bundle)) {
        for (const id of Object.keys(modules)) {
          const [folder] = id.match(packageOf) ?? [];
          if (folder && existsSync(path.join(folder, "package.json"))) folders.add(folder);
        }
      }
    },
  };
  const written = {
    name: "licences-written",
    generateBundle: {
      order: "post",
      handler() {
        const entries = [...folders].map(entry).sort((a, b) => (a.name < b.name ? -1 : 1));
        const rule = "-".repeat(80);
        const source = [
          "The files in this folder hold code of the packages below, each under its own licence.\n" +
            "The icon font (codicon) is Microsoft's vscode-codicons, under CC BY 4.0.",
          entries.map((each) => `${each.name} ${each.version} (${each.license})`).join("\n"),
          ...entries.map((each) => `${rule}\n${each.name} ${each.version}\n${rule}\n\n${each.text}`),
        ].join("\n\n");
        this.emitFile({ type: "asset", fileName: "THIRD_PARTY_LICENSES.txt", source: source + "\n" });
      },
    },
  };
  return { seen, written };
}
