// Monaco under a `style-src` without 'unsafe-inline'. It writes styles in two ways that such a
// policy refuses, and offers no switch for either (microsoft/monaco-editor, issue 271):
//
// 1. It makes <style> elements. Each that this page's own code makes gets the answer's nonce; one
//    that arrives as text, through a hole somewhere, doesn't have it, and stays without effect.
// 2. It writes style="…" into the text of the lines that it draws. Setting the same declarations
//    on the element itself (CSSOM) is what a policy allows, so the text carries them under another
//    name, and they are set once the text has become elements. Monaco hands its texts through
//    `createTrustedTypesPolicy`, so only its own are treated so; the other name holds the nonce,
//    so no text from elsewhere can use it.

const nonce = document.querySelector("meta[name=style-nonce]").nonce;
const declarations = `data-style-${nonce}`;

const createElement = Document.prototype.createElement;
Document.prototype.createElement = function (...named) {
  const element = createElement.apply(this, named);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
};

// What Monaco draws from the text it edits is escaped: a "<" that starts a tag is Monaco's own.
const renamed = (html) =>
  html.replace(/<[a-z][^<>]*>/g, (tag) => tag.replace(' style="', ` ${declarations}="`));

globalThis.MonacoEnvironment = {
  createTrustedTypesPolicy: (_name, { createHTML, ...others }) => ({
    ...others,
    ...(createHTML && { createHTML: (html) => renamed(createHTML(html)) }),
  }),
};

function declare(root) {
  for (const element of root.querySelectorAll(`[${declarations}]`)) {
    element.style.cssText = element.getAttribute(declarations);
    element.removeAttribute(declarations);
  }
}

const innerHTML = Object.getOwnPropertyDescriptor(Element.prototype, "innerHTML");
Object.defineProperty(Element.prototype, "innerHTML", {
  ...innerHTML,
  set(html) {
    innerHTML.set.call(this, html);
    declare(this);
  },
});

const insertAdjacentHTML = Element.prototype.insertAdjacentHTML;
Element.prototype.insertAdjacentHTML = function (where, html) {
  insertAdjacentHTML.call(this, where, html);
  declare(this.parentNode ?? this);
};
