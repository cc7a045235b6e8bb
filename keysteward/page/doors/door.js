// What forms can't do by themselves: take a mailed ticket over from the address bar, show a typed
// password, ask for a passkey, and tell the time where the reader is. Nothing is kept, and nothing is fetched from anywhere else.

const one = (selector) => document.querySelector(selector);

function takeTicket() {
  const ticket = location.hash.slice(1);
  // A provider's answer stands in the query of the one page that it leads back to: used by now.
  const query = location.pathname.endsWith("/callback") ? "" : location.search;
  if (ticket || query !== location.search) {
    history.replaceState(null, "", location.pathname + query);
  }
  const field = one("input[name=ticket]");
  if (!field || !/^kso_[\w-]+$/.test(ticket)) return;
  field.value = ticket;
  field.closest(".row").hidden = true;
  // So that it is at hand if the page comes again with a word about the password. It is sent to
  // nobody: what stands behind the # never is.
  field.form.action = `${field.form.getAttribute("action")}#${ticket}`;
}

function letPasswordsBeSeen() {
  for (const field of document.querySelectorAll("input[type=password]")) {
    const button = document.createElement("button");
    const label = field.labels[0]?.textContent ?? "password";
    const turn = (seen) => {
      field.type = seen ? "text" : "password";
      button.textContent = seen ? "Hide" : "Show";
      button.setAttribute("aria-label", `${button.textContent}: ${label}`);
    };
    button.type = "button";
    button.className = "show";
    button.addEventListener("click", () => {
      turn(field.type === "password");
      field.focus();
    });
    // As text it would be kept by the browser for the next time.
    field.form.addEventListener("submit", () => turn(false));
    field.closest(".row").classList.add("shown-by-button");
    field.after(button);
    turn(false);
  }
}

function complain(sentence) {
  const place = one("#error");
  place.textContent = sentence;
  place.hidden = false;
}

async function tell(name, type, fields, input) {
  const query = `mutation($input: ${type}!) {
    ${name}(input: $input) { __typename ${fields} ... on Problem { message } }
  }`;
  const answer = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", "keysteward-csrf": "1" },
    body: JSON.stringify({ query, variables: { input } }),
  });
  const { data, errors } = await answer.json();
  if (!data?.[name]) throw new Error(errors?.[0]?.message ?? "Something went wrong. Try again.");
  if (data[name].message) throw new Error(data[name].message);
  return data[name];
}

async function usePasskey(button) {
  const intent = button.dataset.passkey;
  button.disabled = true;
  try {
    const begun = await tell(
      "beginPasskey", "PasskeyRequestInput", "... on PasskeyBegun { options ticket }", { intent },
    );
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(begun.options);
    const shown = await navigator.credentials.get({ publicKey });
    await tell(
      "showPasskey", "PasskeyInput", "", { intent, ticket: begun.ticket, answer: shown.toJSON() },
    );
    location.assign(button.dataset.next || "/");
  } catch (error) {
    const isOurs = !(error instanceof DOMException || error instanceof TypeError);
    complain(isOurs ? error.message : "No passkey was used. Try again, or sign in another way.");
    button.disabled = false;
  }
}

function offerPasskeys() {
  for (const button of document.querySelectorAll("button[data-passkey]")) {
    // A passkey is bound to a name: elsewhere than there the browser would refuse.
    if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) continue;
    if (location.origin !== button.dataset.at) continue;
    button.hidden = false;
    button.addEventListener("click", () => usePasskey(button));
  }
}

function tellTimesHere() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const options = { dateStyle: "medium", timeStyle: "short" };
    time.textContent = new Date(time.dateTime).toLocaleString(undefined, options);
  }
}

takeTicket();
letPasswordsBeSeen();
offerPasskeys();
tellTimesHere();
addEventListener("hashchange", takeTicket);
