import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { licences } from "./licences.js";

const own = (file) => fileURLToPath(new URL(`./src/${file}`, import.meta.url));
const { seen, written } = licences();

// GraphiQL prettifies on the page; the worker's own formatter is bound to no command here.
const workerWithoutPrettier = {
  name: "worker-without-prettier",
  enforce: "pre",
  resolveId: (id) => (/^prettier\/|\/src\/prettier\.js$/.test(id) ? own("left-out.js") : null),
};

export default defineConfig({
  base: "/graphiql/",
  publicDir: false,
  plugins: [seen, written],
  resolve: {
    alias: [
      { find: "monaco-editor/esm/vs/editor/edcore.main.js", replacement: own("monaco.js") },
      { find: /^prettier\/standalone$/, replacement: own("prettier.js") },
      { find: /^prettier\/(parser-babel|plugins\/estree)$/, replacement: own("left-out.js") },
      { find: /^prettier\/parser-graphql$/, replacement: "prettier/plugins/graphql" },
    ],
  },
  build: {
    outDir: "../../keysteward/page/graphiql",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // `font-src 'self'`: no data: URL
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      // React's "use client" marks, which mean nothing in a page without a React server.
      onwarn: (warning, warn) => warning.code !== "MODULE_LEVEL_DIRECTIVE" && warn(warning),
    },
  },
  worker: { format: "es", plugins: () => [workerWithoutPrettier, seen] },
});
