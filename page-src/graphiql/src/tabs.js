// GraphiQL draws each of its tabs as one control with two buttons in it, the name and the closing
// one. Nobody can tell a screen reader what that is (WCAG 2.2, 4.1.2): so to assistive technology it
// is the list that it looks like, of named buttons, one of which is the current one.

const set = (element, name, value) => {
  if (element && element.getAttribute(name) !== value) element.setAttribute(name, value);
};

function name() {
  set(document.getElementById("graphiql-session"), "role", "region");
  const list = document.querySelector(".graphiql-tabs");
  list?.removeAttribute("role");
  for (const tab of list?.children ?? []) {
    const [open, close] = tab.querySelectorAll("button");
    const isCurrent = tab.classList.contains("graphiql-tab-active");
    tab.removeAttribute("role");
    tab.removeAttribute("aria-selected");
    if (isCurrent) set(open, "aria-current", "true");
    else open?.removeAttribute("aria-current");
    set(close, "aria-label", `Close ${open.textContent}`);
  }
}

new MutationObserver(name).observe(document.getElementById("graphiql"), {
  attributeFilter: ["aria-selected", "class", "role"],
  characterData: true,
  childList: true,
  subtree: true,
});
