// Monaco's workers, from this page's own files: `worker-src 'self'`, no blob: and no data: URL.
import GraphqlWorker from "monaco-graphql/esm/graphql.worker.js?worker";
// Monaco's JSON worker is its editor worker with JSON added: one file does for both.
import JsonWorker from "monaco-editor/esm/vs/language/json/json.worker.js?worker";

globalThis.MonacoEnvironment = {
  ...globalThis.MonacoEnvironment,
  getWorker: (_id, language) => (language === "graphql" ? new GraphqlWorker() : new JsonWorker()),
};
