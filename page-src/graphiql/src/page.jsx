// The explorer at /graphiql. What it promises: it asks nobody but the server that served it, and
// it writes nothing to the disk. The modules beside it say how.
import "./styles.js"; // first: it must be in place before Monaco makes its first style element
import "./workers.js";
import "./tabs.js";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "graphiql/graphiql.css";
import "./page.css"; // last: it sets what the ones before left open
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import { fetcher } from "./fetcher.js";
import { memory } from "./memory.js";
import { operations } from "./operations.js";

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL
    fetcher={fetcher}
    storage={memory}
    defaultTabs={operations}
    initialVariables={operations[0].variables} // GraphiQL shows the first tab without its own
    defaultEditorToolsVisibility="variables"
    shouldPersistHeaders={false}
    showPersistHeadersSettings={false}
    // No history: it would hold every typed password and key in a list, one click from the screen.
    plugins={[]}
  >
    <GraphiQL.Logo>
      <span>keysteward</span> <a href="/sign-in">Sign in or out</a>
    </GraphiQL.Logo>
  </GraphiQL>,
);
