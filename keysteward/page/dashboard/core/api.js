// All that the page knows comes through here, from the public GraphQL API and nowhere else.
//
// `ask` gives a query's data. `tell` gives what a mutation answered, and throws a `Problem` where
// the contract says that it is one; a login that is not fresh is made so on the way (fresh.js).

/** Something expected that was in the way: its kind (the contract's type) and its sentence. */
class Problem extends Error {
  constructor(kind, message, facts = {}) {
    super(message);
    this.kind = kind;
    this.facts = facts;
  }
}

/** The server was not reached, or answered in no form of ours. What is shown may be stale. */
class Unreachable extends Problem {
  constructor() {
    super("Unreachable", "keysteward can't be reached at this moment. Nothing was lost: try again.");
  }
}

const underWay = new Set();

function post(query, variables) {
  const answer = send(query, variables);
  const drop = () => underWay.delete(answer);
  underWay.add(answer);
  answer.then(drop, drop);
  return answer;
}

async function send(query, variables) {
  let response;
  let answer;
  try {
    response = await fetch("/graphql", {
      method: "POST",
      cache: "no-store",
      headers: { "content-type": "application/json", "keysteward-csrf": "1" },
      body: JSON.stringify({ query, variables }),
    });
    answer = await response.json();
  } catch {
    throw new Unreachable();
  }
  return answer;
}

/** Where to sign in, and back to this page. Nothing but its path is told. */
function leaveToSignIn() {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
  return new Promise(() => {});
}

const isSignedOut = ({ errors }) => errors?.some((error) => error.extensions?.code === "SIGN_IN_REQUIRED");

function refused(errors) {
  const [first] = errors;
  return new Problem(first?.extensions?.code ?? "FAULT", first?.message ?? "Something went wrong.");
}

/** Ask a query; gives its data. Leads to the sign-in page where nobody is signed in any more. */
export async function ask(query, variables = {}) {
  let answer = await post(query, variables);
  if (isSignedOut(answer)) {
    // A fresh login goes on under another cookie: this may have left with the old one, and be
    // answered before that login was. Once whatever is under way has come back, the new one is here.
    await Promise.allSettled([...underWay]);
    answer = await post(query, variables);
    if (isSignedOut(answer)) return leaveToSignIn();
  }
  const { data, errors } = answer;
  if (errors || !data) throw refused(errors ?? []);
  return data;
}

/**
 * Send one mutation. `fields` is what to select of its answers, such as
 * `... on KeyAdded { key { id } }`. Gives the answer; throws a `Problem` otherwise.
 */
export async function tell(name, input, fields) {
  const kind = `${name[0].toUpperCase()}${name.slice(1)}Input`;
  const [declared, given] = input === null ? ["", ""] : [`($input: ${INPUTS[name] ?? kind}!)`, "(input: $input)"];
  const query = `mutation ${declared} {
    ${name}${given} { __typename ${fields} ... on Problem { refusal: message } }
  }`;
  let isAgain = false;
  for (;;) {
    const { data, errors } = await post(query, input === null ? {} : { input });
    if (errors || !data) throw refused(errors ?? []);
    const { __typename: answer, refusal, ...facts } = data[name];
    if (refusal === undefined) return data[name];
    if (answer === "SignInRequired") {
      if (isAgain) return leaveToSignIn();
      isAgain = true;
      await Promise.allSettled([...underWay]); // as in `ask`
      continue;
    }
    if (answer !== "FreshLoginRequired" || !freshen) throw new Problem(answer, refusal, facts);
    if (!(await freshen())) throw new Problem("GivenUp", "Nothing was done.");
  }
}

let freshen = null;

/** Say what asks somebody who they are (fresh.js): gives whether the login is fresh now. */
export function freshenBy(ask) {
  freshen = ask;
}

// Inputs that are not called as their mutation is (schema.graphql); a test holds the two equal.
const INPUTS = {
  revealKey: "KeyInput",
  removeKey: "KeyInput",
  verifyKey: "KeyInput",
  setDefaultKey: "KeyInput",
  resetCeiling: "CeilingInput",
  removeCeiling: "CeilingInput",
  removeMeans: "MeansInput",
  endSession: "SessionInput",
  deleteFile: "FileInput",
  changeAddress: "AddressInput",
  showSecondFactor: "SecondFactorInput",
  addSecondFactor: "SetUpSecondFactorInput",
  beginPasskey: "PasskeyRequestInput",
  showPasskey: "PasskeyInput",
  requestCode: "CodeRequestInput",
  showCode: "CodeInput",
  beginElsewhere: "ElsewhereInput",
};
