// What to paste into a program that is to call through keysteward: whole, and ready to run.
//
// A tool changes two things: the base URL, and the key to its token. Each snippet does the least
// that costs the least and moves nothing (Twilio's sends a message: it has no smaller first step),
// names a limit wherever an answer could grow dear, and runs as it stands:
// tests/page/test_snippets.py runs every one of them. Written so that TypeScript's are JavaScript,
// too: nothing is said of a type that the SDK does not know by itself.

const HELLO = [{ role: "user", content: "Say hello." }];

// What OpenAI's SDK is told for those who speak as OpenAI does: what follows the provider's base
// path where that is not all, a model, and what its limit is called.
const CHATTERS = {
  openai: ["", "gpt-4.1-mini", "max_completion_tokens"],
  mistral: ["/v1", "mistral-small-latest", "max_tokens"],
  groq: ["", "llama-3.3-70b-versatile", "max_tokens"],
  deepseek: ["", "deepseek-chat", "max_tokens"],
  xai: ["", "grok-4", "max_tokens"],
  openrouter: ["", "openai/gpt-4o-mini", "max_tokens"],
  together: ["", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "max_tokens"],
  perplexity: ["", "sonar", "max_tokens"],
};

// The request that shows that it works, by its provider's own reference; `token` stands where the
// key would. What curl sends, and the other languages where no SDK of theirs is shown.
const REQUESTS = {
  anthropic: {
    path: "/v1/messages",
    headers: { "x-api-key": "{token}", "anthropic-version": "2023-06-01" },
    body: { model: "claude-haiku-4-5", max_tokens: 100, messages: HELLO },
  },
  google: {
    path: "/v1beta/models/gemini-2.5-flash:generateContent",
    headers: { "x-goog-api-key": "{token}" },
    body: { contents: [{ parts: [{ text: "Say hello." }] }], generationConfig: { maxOutputTokens: 500 } },
  },
  elevenlabs: {
    path: "/v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb",
    headers: { "xi-api-key": "{token}" },
    body: { text: "Hello.", model_id: "eleven_flash_v2_5" },
    file: "hello.mp3",
  },
  stripe: { path: "/v1/balance", headers: { authorization: "Bearer {token}" } },
  cohere: {
    path: "/v2/chat",
    headers: { authorization: "Bearer {token}" },
    body: { model: "command-r-08-2024", max_tokens: 100, messages: HELLO },
  },
  resend: { path: "/domains", headers: { authorization: "Bearer {token}" } },
  github: { path: "/user", headers: { authorization: "Bearer {token}" } },
  vultr: { path: "/v2/account", headers: { authorization: "Bearer {token}" } },
  railway: {
    path: "",
    headers: { authorization: "Bearer {token}" },
    body: { query: "{projects{edges{node{name}}}}" },
  },
};
for (const [provider, [after, model, limit]] of Object.entries(CHATTERS)) {
  REQUESTS[provider] = {
    path: `${after}/chat/completions`,
    headers: { authorization: "Bearer {token}" },
    body: { model, [limit]: 100, messages: HELLO },
  };
}

const TWILIO_CURL = `curl "{base}/2010-04-01/Accounts/$TWILIO_ACCOUNT_SID/Messages.json" \\
  -u "$TWILIO_ACCOUNT_SID:{token}" \\
  --data-urlencode "From=+15017122661" \\
  --data-urlencode "To=+15558675310" \\
  --data-urlencode "Body=Hello."
`;

const PYTHON = {
  anthropic: `# pip install anthropic
from anthropic import Anthropic

client = Anthropic(base_url="{base}", api_key="{token}")
message = client.messages.create(
    model="claude-haiku-4-5",
    max_tokens=100,
    messages=[{"role": "user", "content": "Say hello."}],
)
print(message.content[0].text)
`,
  google: `# pip install google-genai
from google import genai

client = genai.Client(api_key="{token}", http_options={"base_url": "{base}"})
answer = client.models.generate_content(
    model="gemini-2.5-flash",
    contents="Say hello.",
    config={"max_output_tokens": 500},
)
print(answer.text)
`,
  stripe: `# pip install stripe
from stripe import StripeClient

client = StripeClient("{token}", base_addresses={"api": "{base}"})
balance = client.v1.balance.retrieve()
print(balance.available)
`,
  twilio: `# pip install twilio
import os

from twilio.rest import Client

client = Client(os.environ["TWILIO_ACCOUNT_SID"], "{token}")
client.api.base_url = "{base}"
message = client.messages.create(from_="+15017122661", to="+15558675310", body="Hello.")
print(message.sid)
`,
};

const TYPESCRIPT = {
  anthropic: `// npm install @anthropic-ai/sdk
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: "{base}", apiKey: "{token}" });
const message = await client.messages.create({
  model: "claude-haiku-4-5",
  max_tokens: 100,
  messages: [{ role: "user", content: "Say hello." }],
});
console.log(message.content);
`,
  google: `// npm install @google/genai
import { GoogleGenAI } from "@google/genai";

const client = new GoogleGenAI({ apiKey: "{token}", httpOptions: { baseUrl: "{base}" } });
const answer = await client.models.generateContent({
  model: "gemini-2.5-flash",
  contents: "Say hello.",
  config: { maxOutputTokens: 500 },
});
console.log(answer.text);
`,
  elevenlabs: `// npm install @elevenlabs/elevenlabs-js
import { writeFile } from "node:fs/promises";
import { ElevenLabsClient } from "@elevenlabs/elevenlabs-js";

const client = new ElevenLabsClient({ baseUrl: "{base}", apiKey: "{token}" });
const sound = await client.textToSpeech.convert("JBFqnCBsd6RMkjVDRZzb", {
  text: "Hello.",
  modelId: "eleven_flash_v2_5",
});
await writeFile("hello.mp3", sound);
`,
  // Its SDK takes another host, but no path before its own: so each request is led there.
  stripe: `// npm install stripe
import Stripe from "stripe";

const client = new Stripe("{token}", {
  httpClient: Stripe.createFetchHttpClient((url, init) =>
    fetch(String(url).replace("https://api.stripe.com", "{base}"), init)),
});
const balance = await client.balance.retrieve();
console.log(balance.available);
`,
  twilio: `// npm install twilio
import twilio from "twilio";

const client = twilio(process.env.TWILIO_ACCOUNT_SID, "{token}");
client.api.baseUrl = "{base}";
const message = await client.messages.create({ from: "+15017122661", to: "+15558675310", body: "Hello." });
console.log(message.sid);
`,
};

const OPENAI_PYTHON = ([after, model, limit]) => `# pip install openai
from openai import OpenAI

client = OpenAI(base_url="{base}${after}", api_key="{token}")
answer = client.chat.completions.create(
    model="${model}",
    ${limit}=100,
    messages=[{"role": "user", "content": "Say hello."}],
)
print(answer.choices[0].message.content)
`;

const OPENAI_TYPESCRIPT = ([after, model, limit]) => `// npm install openai
import OpenAI from "openai";

const client = new OpenAI({ baseURL: "{base}${after}", apiKey: "{token}" });
const answer = await client.chat.completions.create({
  model: "${model}",
  ${limit}: 100,
  messages: [{ role: "user", content: "Say hello." }],
});
console.log(answer.choices[0].message.content);
`;

/** JSON in one line, with blanks as a person sets them; Python and TypeScript read it, too. */
const literal = (value) => JSON.stringify(value, null, 1)
  .replaceAll(/\n\s*/g, " ").replaceAll(/([[{]) /g, "$1").replaceAll(/ ([\]}])/g, "$1");

function plainPython({ path, headers, body, file }) {
  return `# pip install requests
import requests

answer = requests.${body ? "post" : "get"}(
    "{base}${path}",
    headers=${literal(headers)},
${body ? `    json=${literal(body)},\n` : ""}    timeout=60,
)
answer.raise_for_status()
${file ? `with open("${file}", "wb") as file:\n    file.write(answer.content)` : "print(answer.json())"}
`;
}

function plainTypeScript({ path, headers, body }) {
  const given = body ? { ...headers, "content-type": "application/json" } : headers;
  const sent = body ? `  method: "POST",\n  body: JSON.stringify(${literal(body)}),\n` : "";
  return `const answer = await fetch("{base}${path}", {
${sent}  headers: ${literal(given)},
});
console.log(answer.status, await answer.json());
`;
}

function plainCurl({ path, headers, body, file }) {
  const lines = [`curl "{base}${path}"`, ...Object.entries(headers).map(([name, value]) => `-H "${name}: ${value}"`)];
  if (body) lines.push('-H "content-type: application/json"', `-d '${JSON.stringify(body)}'`);
  if (file) lines.push(`-o ${file}`);
  return `${lines.join(" \\\n  ")}\n`;
}

/** The languages, as `[name, words]`. */
export const LANGUAGES = [["python", "Python"], ["typescript", "TypeScript"], ["curl", "curl"]];

/** What must be in the environment for a provider's snippets, and what it is. */
export const NEEDED = { twilio: ["TWILIO_ACCOUNT_SID", "your account's own SID, which is no secret"] };

/**
 * Give a provider's snippets, `{python, typescript, curl}`, with this keysteward's address and a
 * token in them; null for a provider of which none is known here.
 */
export function snippetsOf(provider, { origin, token }) {
  const request = REQUESTS[provider.id];
  const chatter = CHATTERS[provider.id];
  if (!request && !(provider.id in PYTHON)) return null;
  // A path of `request` begins at the provider's base path, and an SDK's base URL is that path.
  const base = `${origin}${provider.basePath}`;
  const fill = (text) => text.replaceAll("{base}", base).replaceAll("{token}", token);
  return {
    python: fill(chatter ? OPENAI_PYTHON(chatter) : PYTHON[provider.id] ?? plainPython(request)),
    typescript: fill(chatter ? OPENAI_TYPESCRIPT(chatter) : TYPESCRIPT[provider.id] ?? plainTypeScript(request)),
    curl: fill(provider.id === "twilio" ? TWILIO_CURL : plainCurl(request)),
  };
}
