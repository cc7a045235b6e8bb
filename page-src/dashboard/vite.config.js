import { licences } from "../graphiql/licences.js";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const own = (file) => fileURLToPath(new URL(`./src/${file}`, import.meta.url));
const { seen, written } = licences();

// Libraries alone: the pages themselves are plain modules, and stand in the package as written.
export default defineConfig({
  publicDir: false,
  plugins: [seen, written],
  build: {
    outDir: "../../keysteward/page/dashboard/vendor",
    emptyOutDir: true,
    target: "es2022",
    cssCodeSplit: true,
    modulePreload: false,
    lib: {
      entry: { view: own("view.js"), socket: own("socket.js"), qr: own("qr.js") },
      formats: ["es"],
    },
    minify: "oxc",
  },
});
