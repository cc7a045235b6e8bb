// The parts of Monaco that this page uses. It stands in for Monaco's own list of everything
// (`edcore.main.js`; vite.config.js says so), which is 330 kB larger and brings commands that make
// no sense here: formatters, code lenses, inline completions, dropped files, …
import "monaco-editor/esm/vs/base/browser/ui/codicons/codiconStyles.js";
import "monaco-editor/esm/vs/editor/browser/coreCommands.js";
import "monaco-editor/esm/vs/editor/browser/widget/codeEditor/codeEditorWidget.js";
import "monaco-editor/esm/vs/editor/common/standaloneStrings.js";
import "monaco-editor/esm/vs/editor/contrib/bracketMatching/browser/bracketMatching.js";
import "monaco-editor/esm/vs/editor/contrib/clipboard/browser/clipboard.js";
import "monaco-editor/esm/vs/editor/contrib/comment/browser/comment.js";
import "monaco-editor/esm/vs/editor/contrib/contextmenu/browser/contextmenu.js";
import "monaco-editor/esm/vs/editor/contrib/cursorUndo/browser/cursorUndo.js";
import "monaco-editor/esm/vs/editor/contrib/find/browser/findController.js";
import "monaco-editor/esm/vs/editor/contrib/folding/browser/folding.js";
import "monaco-editor/esm/vs/editor/contrib/gotoError/browser/gotoError.js";
import "monaco-editor/esm/vs/editor/contrib/gotoSymbol/browser/goToCommands.js";
import "monaco-editor/esm/vs/editor/contrib/gotoSymbol/browser/link/goToDefinitionAtPosition.js";
import "monaco-editor/esm/vs/editor/contrib/hover/browser/hoverContribution.js";
import "monaco-editor/esm/vs/editor/contrib/linesOperations/browser/linesOperations.js";
import "monaco-editor/esm/vs/editor/contrib/multicursor/browser/multicursor.js";
import "monaco-editor/esm/vs/editor/contrib/suggest/browser/suggestController.js";
import "monaco-editor/esm/vs/editor/contrib/toggleTabFocusMode/browser/toggleTabFocusMode.js";
import "monaco-editor/esm/vs/editor/contrib/unicodeHighlighter/browser/unicodeHighlighter.js";
import "monaco-editor/esm/vs/editor/contrib/wordHighlighter/browser/wordHighlighter.js";
import "monaco-editor/esm/vs/editor/contrib/wordOperations/browser/wordOperations.js";
import "monaco-editor/esm/vs/editor/standalone/browser/quickAccess/standaloneCommandsQuickAccess.js";
import { editor } from "monaco-editor/esm/vs/editor/editor.api.js";

// GraphiQL asks for "Fira Code", which this page doesn't carry; a missing font would be measured
// and drawn as the browser's serif.
const create = editor.create;
editor.create = (element, options) =>
  create(element, {
    ...options,
    fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", Consolas, "DejaVu Sans Mono", monospace',
  });

// In the dark, comments and the numbers of lines are too faint: WCAG 2.2, 1.4.3.
const defineTheme = editor.defineTheme;
editor.defineTheme = (name, theme) =>
  defineTheme(name, theme.base === "vs-dark" ? legible(theme) : theme);

const legible = (theme) => ({
  ...theme,
  rules: [...theme.rules, { token: "comment", foreground: "#8fbf7a" }],
  colors: { ...theme.colors, "editorLineNumber.foreground": "#a0a7b4" },
});

export * from "monaco-editor/esm/vs/editor/editor.api.js";
