// Settings → Ceilings: what tools may use at most, how far it is used, and how to go on from one
// that is hit. Beneath: what counts though nobody knows what it cost, what runs by the hour, and
// prices of one's own.

import { html, useEffect, useRef, useState } from "../vendor/view.js";
import { placesOf, wrongWith } from "../core/amounts.js";
import { ask, tell } from "../core/api.js";
import { useAsked } from "../core/asked.js";
import { hear } from "../core/live.js";
import {
  Action, Badge, Bar, Cell, Choice, Dialog, Empty, Field, Notice, Page, say, Section, Shown, Table,
  useAct, When,
} from "../core/parts.js";
import { amount, percent, spoken } from "../core/words.js";

const EVERY = 3000;
const CEILING = `id measure currency limit settled held remaining excess state epoch hitAt openedAt
  warnedPercent provider { id name } tool { id name }`;
const CEILINGS = `{
  ceilings { ${CEILING} }
  providers { id name }
  tools { id name }
  prices { item setAt provider { id name } rates { measure amount units } }
  commitments { resource call tool item hourly since paidTo provider { id name } }
}`;
const WARNINGS = [50, 80, 95];
const MEASURES = [
  ["SPEND", "What providers charge, in dollars"],
  ["CALLS", "Calls, whatever they cost"],
  ["MOVED", "Money of yours that calls move"],
];

const unitOf = (ceiling) => ({ SPEND: "spend", CALLS: "calls", MOVED: `${ceiling.currency?.toUpperCase()} moved` })[ceiling.measure];
const coverOf = ({ provider, tool }) => `${provider?.name ?? "All providers"} · ${tool?.name ?? "all tools"}`;
const nameOf = (ceiling) => `${coverOf(ceiling)} · ${unitOf(ceiling)}`;
const partOf = ({ settled, held, limit }) => percent(settled, limit) + percent(held, limit);

/** What a ceiling that is hit keeps from happening. */
function stopped({ measure, currency }) {
  const what = {
    SPEND: "Calls that cost something are refused. What is known to be free goes on, such as listing models.",
    CALLS: "Every call under it is refused.",
    MOVED: `Calls that move ${currency?.toUpperCase()} are refused.`,
  }[measure];
  return `${what} Raise it, or reset it to begin at nothing.`;
}

export default function Ceilings() {
  const asked = useAsked(CEILINGS, {}, { every: EVERY });
  const [doing, put] = useState(null);
  const [hits, putHits] = useState([]);
  const [turn, again] = useState(0);
  useEffect(() => hear((event) => {
    if (event.__typename !== "CeilingHit" || event.state !== "HIT") return;
    putHits((all) => [{ ...event, at: Date.now() }, ...all.filter((each) => each.ceiling !== event.ceiling)]);
  }), []);

  const close = () => { put(null); asked.reload(); };
  const settled = () => { close(); again(turn + 1); };
  const set = html`<${Action} kind="first" onPress=${() => put({ name: "set" })}>Set a ceiling</${Action}>`;
  return html`<${Page} title="Ceilings" actions=${set}
    lead="What your tools may use at most. The most that a call can cost is held before it leaves; one that might pass a ceiling never leaves.">
    <${Shown} asked=${asked}>${({ ceilings, providers, tools, prices, commitments }) => {
      const byId = new Map(ceilings.map((each) => [each.id, each]));
      // One that was raised or reset since, here or elsewhere, is no news any more.
      const news = hits.filter((each) => byId.get(each.ceiling)?.state === "HIT" || (byId.has(each.ceiling) && asked.at <= each.at));
      const order = [...ceilings].sort((a, b) => (b.state === "HIT") - (a.state === "HIT") || partOf(b) - partOf(a));
      return html`
        ${news.map((each) => html`<${Notice} key=${each.cursor} kind="bad"><strong>Just hit: ${nameOf(byId.get(each.ceiling))}.</strong> ${stopped(byId.get(each.ceiling))}
          <div><${Action} kind="link" label=${`Dismiss ${nameOf(byId.get(each.ceiling))}`} onPress=${() => putHits((all) => all.filter((other) => other !== each))}>Dismiss</${Action}></div></${Notice}>`)}
        ${ceilings.length === 0 ? html`<${Empty} title="No ceiling yet">
            <p>A ceiling says what a provider, a tool, or everything together may use at most:</p>
            <ul><li>in dollars, counted to the nano-dollar, before a call leaves;</li>
              <li>in calls, for what costs no money;</li>
              <li>or in money that calls move at Stripe, by currency.</li></ul>
            <p>At 50, 80 and 95 per cent you are warned; where it is hit, nothing more goes out until you say so.</p>
            ${set}</${Empty}>`
          : html`<ul class="plain">${order.map((each) => html`<${One} key=${each.id} of=${each} act=${put} />`)}</ul>`}
        <${Disputed} key=${turn} tools=${tools} act=${put} />
        <${Hourly} of=${commitments} tools=${tools} act=${put} />
        <${Prices} of=${prices} act=${put} />
        ${doing?.name === "set" && html`<${Setting} ceilings=${ceilings} providers=${providers} tools=${tools} onClose=${close} />`}
        ${doing?.name === "raise" && html`<${Raise} of=${doing.of} onClose=${close} />`}
        ${doing?.name === "reset" && html`<${Reset} of=${doing.of} onClose=${close} />`}
        ${doing?.name === "remove" && html`<${Remove} of=${doing.of} onClose=${close} />`}
        ${doing?.name === "release" && html`<${Release} of=${doing.of} onClose=${() => put(null)} done=${settled} />`}
        ${doing?.name === "end" && html`<${End} of=${doing.of} onClose=${close} />`}
        ${doing?.name === "price" && html`<${Pricing} of=${doing.of} providers=${providers} onClose=${close} />`}
        ${doing?.name === "unprice" && html`<${Unprice} of=${doing.of} onClose=${close} />`}`;
    }}</${Shown}>
  </${Page}>`;
}

function One({ of, act }) {
  const name = nameOf(of);
  const show = (text) => amount(text, of.currency);
  const isHit = of.state === "HIT";
  const passed = WARNINGS.filter((each) => each <= of.warnedPercent).map((each) => `${each} %`);
  return html`<li class="card" aria-label=${name}>
    <div class="head">
      <div><h2>${coverOf(of)}</h2>
        <p><${Badge}>${unitOf(of)}</${Badge}> <${Badge} kind=${isHit ? "bad" : "good"}>${isHit ? "hit" : "open"}</${Badge}>
          ${isHit && html` <span class="hint"><${When} at=${of.hitAt} /></span>`}</p></div>
      <div class="actions">
        <${Action} kind=${isHit ? "first" : "second"} label=${`Raise or lower ${name}`} onPress=${() => act({ name: "raise", of })}>Raise or lower</${Action}>
        <${Action} label=${`Reset ${name}`} onPress=${() => act({ name: "reset", of })}>Reset</${Action}>
        <${Action} label=${`Remove ${name}`} onPress=${() => act({ name: "remove", of })}>Remove</${Action}></div>
    </div>
    <${Bar} ceiling=${of} />
    <dl class="figures">
      <div><dt>Used</dt><dd>${show(of.settled)}</dd></div>
      <div><dt>Held by running calls</dt><dd>${show(of.held)}</dd></div>
      <div><dt>Left</dt><dd>${show(of.remaining)}</dd></div>
      <div><dt>Ceiling</dt><dd>${show(of.limit)}</dd></div>
    </dl>
    ${isHit && html`<${Notice} kind="bad">${stopped(of)}</${Notice}>`}
    ${percent(of.excess, of.limit) > 0 && html`<${Notice} kind="warn">${show(of.excess)} was charged above the most that had been worked out. It counts against what is left; the model that cost it is let in again once you set a price for it.</${Notice}>`}
    <p class="hint">${passed.length > 0 && `Warned at ${passed.join(", ")}. `}Counted since <${When} at=${of.openedAt} />${of.epoch > 1 && `, when it was last reset`}.</p>
  </li>`;
}

/** Gives `[text, put, wrong, send]` for a field that holds an amount: `send` sends none that can't be. */
function useAmount(first, places, send) {
  const [text, put] = useState(first);
  const [wrong, mark] = useState(null);
  const type = (event) => { put(event.target.value); mark(null); };
  const submit = (event) => {
    event.preventDefault();
    const found = wrongWith(text.trim(), places);
    mark(found);
    if (found === null) send(text.trim());
  };
  return [text, type, wrong, submit];
}

function Setting({ ceilings, providers, tools, onClose }) {
  const [what, change] = useState({ provider: "", tool: "", measure: "SPEND", currency: "usd" });
  const pick = (field) => (event) => { change({ ...what, [field]: event.target.value }); forget(); };
  const isMoved = what.measure === "MOVED";
  const currency = isMoved ? what.currency.trim().toLowerCase() : "usd";
  const places = placesOf(what.measure, currency);
  const [send, busy, problem, forget] = useAct(async (limit) => {
    const { provider, tool, measure } = what;
    await tell("setCeiling", { provider: provider || null, tool: tool || null, measure, currency, limit },
      `... on CeilingSet { ceiling { ${CEILING} } } ... on InvalidInput { field }`);
    say("The ceiling is set.");
    onClose();
  });
  const [text, type, wrong, submit] = useAmount("", places, send);
  const present = ceilings.find((each) => each.measure === what.measure && (each.provider?.id ?? "") === what.provider
    && (each.tool?.id ?? "") === what.tool && (!isMoved || each.currency === currency));
  const allProviders = isMoved ? [["", "Choose…"]] : [["", "All of them together"]];
  const digits = places === 0 ? "A whole number." : `With up to ${places} decimal places.`;
  return html`<${Dialog} title="Set a ceiling" onClose=${onClose}>
    <form onSubmit=${submit}>
      <${Choice} label="What it counts" value=${what.measure} options=${MEASURES} onChange=${pick("measure")}
        hint=${isMoved ? "PaymentIntents, transfers, payouts and refunds at Stripe. No fee: a budget of its own." : undefined} autofocus />
      ${isMoved && html`<${Field} label="Currency" value=${what.currency} onInput=${pick("currency")} required maxlength="3"
        autocomplete="off" hint="Its three letters, such as eur." />`}
      <${Choice} label="Provider" value=${what.provider} required=${isMoved} options=${[...allProviders, ...providers.map((each) => [each.id, each.name])]} onChange=${pick("provider")} />
      <${Choice} label="Tool" value=${what.tool} options=${[["", "All of them together"], ...tools.map((each) => [each.id, each.name])]} onChange=${pick("tool")} />
      <${Field} label=${what.measure === "CALLS" ? "How many at most" : `At most, in ${isMoved ? currency.toUpperCase() : "dollars"}`}
        value=${text} onInput=${type} wrong=${wrong} hint=${digits} required inputmode="decimal" autocomplete="off" />
      ${present && html`<${Notice} kind="warn">There is one for this already: ${amount(present.limit, present.currency)}, of which ${amount(present.settled, present.currency)} is used. It gets the new limit.</${Notice}>`}
      ${problem && html`<${Notice} kind="bad">${problem.message}</${Notice}>`}
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>Set it</${Action}></div>
    </form>
  </${Dialog}>`;
}

function Raise({ of, onClose }) {
  const { provider, tool, measure, currency } = of;
  const [send, busy, problem] = useAct(async (limit) => {
    const answer = await tell("setCeiling",
      { provider: provider?.id ?? null, tool: tool?.id ?? null, measure, currency: currency ?? "usd", limit },
      `... on CeilingSet { ceiling { ${CEILING} } } ... on InvalidInput { field }`);
    say(`The ceiling is ${amount(answer.ceiling.limit, currency)} and ${answer.ceiling.state === "HIT" ? "hit" : "open"}.`);
    onClose();
  });
  const [text, type, wrong, submit] = useAmount(of.limit, placesOf(measure, currency), send);
  return html`<${Dialog} title=${`Raise or lower: ${nameOf(of)}`} onClose=${onClose}>
    <p>${amount(of.settled, currency)} is used, and ${amount(of.held, currency)} is held by running calls.</p>
    <p class="quiet">Raised above what is used, it is open again. Lowered below what is used and held, it is hit.</p>
    <form onSubmit=${submit}>
      <${Field} label="The new ceiling" value=${text} onInput=${type} wrong=${wrong} required inputmode="decimal" autocomplete="off" autofocus />
      ${problem && html`<${Notice} kind="bad">${problem.message}</${Notice}>`}
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>Set it</${Action}></div>
    </form>
  </${Dialog}>`;
}

/** Asks before one thing is done; there is nothing to fill in. */
function Asking({ title, button, kind = "first", act, onClose, children }) {
  const [run, busy, problem] = useAct(act);
  return html`<${Dialog} title=${title} onClose=${onClose}>
    ${children}
    ${problem && html`<${Notice} kind="bad">${problem.message}</${Notice}>`}
    <div class="actions end"><${Action} onPress=${onClose}>Leave it</${Action}>
      <${Action} kind=${kind} busy=${busy} onPress=${run}>${button}</${Action}></div>
  </${Dialog}>`;
}

function Reset({ of, onClose }) {
  const act = async () => {
    await tell("resetCeiling", { id: of.id }, `... on CeilingReset { ceiling { ${CEILING} } }`);
    say("The ceiling begins anew.");
    onClose();
  };
  return html`<${Asking} title=${`Reset: ${nameOf(of)}`} button="Reset it" act=${act} onClose=${onClose}>
    <p>It begins anew: nothing is used, it is open, and ${amount(of.limit, of.currency)} may be used again. Calls that are running stay charged to what was before.</p>
    <p class="quiet">What was spent stays known, under Spend.</p>
  </${Asking}>`;
}

function Remove({ of, onClose }) {
  const act = async () => {
    await tell("removeCeiling", { id: of.id }, "... on CeilingRemoved { id }");
    say("The ceiling is removed.");
    onClose();
  };
  return html`<${Asking} title=${`Remove: ${nameOf(of)}`} button="Remove it" kind="grave" act=${act} onClose=${onClose}>
    <p>It holds nothing up any more: calls that it covers are limited only by other ceilings. What was spent under it stays known.</p>
  </${Asking}>`;
}

const CALLS = `query ($after: Cursor) {
  calls(first: 100, after: $after) {
    nodes { id provider providerName model operation tool startedAt cost disputed }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** A tool's name; its reference where it is revoked, and so in no list any more. */
const toolOf = (id, tools) => tools.find((each) => each.id === id)?.name ?? html`<code class="mono">${id}</code> <span class="quiet">(revoked)</span>`;

/** The calls of which nobody knows what they cost. They are looked for among the latest first. */
function Disputed({ tools, act }) {
  const asked = useAsked(CALLS, {}, { every: EVERY });
  const [more, put] = useState([]);
  const [look, busy, problem] = useAct(async (after) => {
    const { calls } = await ask(CALLS, { after });
    put((all) => [...all, calls]);
  });
  return html`<${Section} title="Disputed calls">
    <p class="quiet">Their answer broke off, or failed in a way that may have cost something. Each counts as the most that it could cost, until you say what the provider's own bill says.</p>
    <${Shown} asked=${asked}>${({ calls }) => {
      const pages = [calls, ...more];
      const seen = new Map(pages.flatMap((each) => each.nodes).map((each) => [each.id, each]));
      const found = [...seen.values()].filter((each) => each.disputed);
      const { hasNextPage, endCursor } = pages.at(-1).pageInfo;
      const whose = hasNextPage ? `your latest ${seen.size} calls` : "your calls";
      return html`${found.length === 0 ? html`<p>None of ${whose} is disputed.</p>`
        : html`<${Table} caption="Disputed calls" heads=${["Call", "Provider and model", "Tool", { label: "Counts as", numeric: true }, { label: "What to do", hidden: true }]}>
          ${found.map((each) => html`<tr key=${each.id}>
            <${Cell} head="Call"><div><${When} at=${each.startedAt} /><div class="hint mono">${each.id}</div></div></${Cell}>
            <${Cell} head="Provider"><div>${each.providerName}<div class="quiet">${each.model ?? each.operation}</div></div></${Cell}>
            <${Cell} head="Tool"><div>${toolOf(each.tool, tools)}</div></${Cell}>
            <${Cell} head="Counts as" numeric>${amount(each.cost)}</${Cell}>
            <${Cell}><div class="actions"><${Action} label=${`Say what ${each.id} cost`} onPress=${() => act({ name: "release", of: each })}>It cost…</${Action}></div></${Cell}>
          </tr>`)}</${Table}>`}
        ${problem && html`<${Notice} kind="bad">${problem.message}</${Notice}>`}
        ${hasNextPage && html`<div class="actions"><${Action} busy=${busy} onPress=${() => look(endCursor)}>Look further back</${Action}></div>`}`;
    }}</${Shown}>
  </${Section}>`;
}

function Release({ of, onClose, done }) {
  const [isMade, mark] = useState(false);
  const [send, busy, problem] = useAct(async (cost) => {
    const answer = await tell("releaseDisputed", { call: of.id, cost, made: isMade },
      "... on DisputeReleased { givenBack } ... on InvalidInput { field }");
    say(`${amount(answer.givenBack)} was given back.`);
    done();
  });
  const [text, type, wrong, submit] = useAmount("0", placesOf("SPEND"), send);
  return html`<${Dialog} title="What did the call cost?" onClose=${onClose}>
    <p><code class="mono">${of.id}</code>, ${of.providerName}, ${of.model ?? of.operation}: it counts as ${amount(of.cost)}.</p>
    <p class="quiet">Say what the provider's bill says; what counted beyond that is given back to the ceilings that it stands under. More than what counts now is taken for that.</p>
    <form onSubmit=${submit}>
      <${Field} label="It cost, in dollars" value=${text} onInput=${type} wrong=${wrong} required inputmode="decimal" autocomplete="off" autofocus />
      <p><label class="inline"><input type="checkbox" checked=${isMade} onChange=${(event) => mark(event.target.checked)} /> It was carried out, even if it cost nothing: a payment, say</label></p>
      ${problem && html`<${Notice} kind="bad">${problem.message}</${Notice}>`}
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>That is what it cost</${Action}></div>
    </form>
  </${Dialog}>`;
}

function Hourly({ of, tools, act }) {
  return html`<${Section} title="What runs by the hour">
    <p class="quiet">Things that calls made at a provider, such as servers: each hour is charged as it begins, until they are deleted. Deleting one through keysteward ends it here, too.</p>
    ${of.length === 0 ? html`<p>Nothing runs by the hour.</p>`
      : html`<${Table} caption="What runs by the hour" heads=${["What", "Made by", "Since", "Paid to", { label: "An hour", numeric: true }, { label: "What to do", hidden: true }]}>
        ${of.map((each) => html`<tr key=${`${each.provider.id} ${each.resource}`}>
          <${Cell} head="What"><div><strong>${each.provider.name}</strong> <span class="mono">${each.resource}</span><div class="quiet">${each.item}</div></div></${Cell}>
          <${Cell} head="Made by"><div>${toolOf(each.tool, tools)}</div></${Cell}>
          <${Cell} head="Since"><${When} at=${each.since} /></${Cell}>
          <${Cell} head="Paid to"><${When} at=${each.paidTo} /></${Cell}>
          <${Cell} head="An hour" numeric>${amount(each.hourly)}</${Cell}>
          <${Cell}><div class="actions"><${Action} label=${`${each.provider.name} ${each.resource} is gone`} onPress=${() => act({ name: "end", of: each })}>It is gone</${Action}></div></${Cell}>
        </tr>`)}</${Table}>`}
  </${Section}>`;
}

function End({ of, onClose }) {
  const act = async () => {
    await tell("endCommitment", { provider: of.provider.id, resource: of.resource }, "... on CommitmentEnded { resource }");
    say("Its hours are charged no more.");
    onClose();
  };
  return html`<${Asking} title=${`${of.provider.name} ${of.resource} is gone`} button="It is gone" act=${act} onClose=${onClose}>
    <p>Say so only if it was deleted at ${of.provider.name} already: nothing is deleted there by this. Its hours are charged here no more.</p>
  </${Asking}>`;
}

const RATES = {
  REQUEST: "a request", INPUT_TOKEN: "a million input tokens", OUTPUT_TOKEN: "a million output tokens",
  CHARACTER: "a character", SECOND: "a second", IMAGE: "an image", SEGMENT: "a segment", MAIL: "a mail", HOUR: "an hour",
};
const rateOf = ({ measure, amount: of }) => `${amount(of)} ${RATES[measure] ?? spoken(measure)}`;
const itemOf = (item) => (item === "*" ? "whatever has no price otherwise" : item);

function Prices({ of, act }) {
  const add = html`<${Action} onPress=${() => act({ name: "price", of: null })}>Set a price</${Action}>`;
  return html`<${Section} title="Your own prices" actions=${add}>
    <p class="quiet">They go before the list's. Set one where a provider charges you something else, or where no price is known: under a ceiling, a call without a price is refused.</p>
    ${of.length === 0 ? html`<p>No price of your own: the list's count.</p>`
      : html`<${Table} caption="Your own prices" heads=${["Item", "Price", "Set", { label: "What to do", hidden: true }]}>
        ${of.map((each) => {
          const name = `${each.provider.name} ${each.item}`;
          return html`<tr key=${name}>
            <${Cell} head="Item"><div><strong>${each.provider.name}</strong><div class="quiet">${itemOf(each.item)}</div></div></${Cell}>
            <${Cell} head="Price"><ul class="plain">${each.rates.map((rate) => html`<li>${rateOf(rate)}</li>`)}</ul></${Cell}>
            <${Cell} head="Set"><${When} at=${each.setAt} /></${Cell}>
            <${Cell}><div class="actions"><${Action} label=${`Change the price of ${name}`} onPress=${() => act({ name: "price", of: each })}>Change</${Action}>
              <${Action} label=${`Remove the price of ${name}`} onPress=${() => act({ name: "unprice", of: each })}>Remove</${Action}></div></${Cell}>
          </tr>`;
        })}</${Table}>`}
  </${Section}>`;
}

const PRICED = "... on PriceSet { price { item } } ... on InvalidInput { field }";

function Pricing({ of, providers, onClose }) {
  const [rates, put] = useState(of?.rates.map((each) => ({ measure: each.measure, amount: each.amount })) ?? [{ measure: "INPUT_TOKEN", amount: "" }]);
  const [wrong, mark] = useState({});
  const form = useRef(null);
  const [send, busy, problem, forget] = useAct(async () => {
    const fields = new FormData(form.current);
    const provider = of?.provider.id ?? fields.get("provider");
    const item = of?.item ?? fields.get("item").trim();
    await tell("setPrice", { provider, item, rates: rates.map((each) => ({ ...each, amount: each.amount.trim() })) }, PRICED);
    say("The price is set.");
    onClose();
  });
  const submit = (event) => {
    event.preventDefault();
    const found = rates.map((each) => wrongWith(each.amount.trim()));
    mark(found);
    if (found.every((each) => each === null)) send();
  };
  const change = (at, field) => (event) => {
    put(rates.map((each, index) => (index === at ? { ...each, [field]: event.target.value } : each)));
    mark({});
    forget();
  };
  const left = Object.keys(RATES).filter((measure) => !rates.some((each) => each.measure === measure));
  return html`<${Dialog} title=${of ? `Change the price of ${of.provider.name} ${of.item}` : "Set a price"} onClose=${onClose}>
    <form ref=${form} onSubmit=${submit}>
      ${!of && html`<${Choice} label="Provider" name="provider" required options=${[["", "Choose…"], ...providers.map((each) => [each.id, each.name])]} autofocus />
        <${Field} label="Model or operation" name="item" required maxlength="100" autocomplete="off" spellcheck=${false} onInput=${forget}
          hint=${html`A model, such as <code>gpt-5</code>; an operation as Calls shows it; or <code>*</code> for whatever has no price otherwise.`} />`}
      <p class="quiet">All that it is charged by; what isn't named here costs nothing.</p>
      ${rates.map((each, at) => html`<fieldset key=${each.measure} class="rate"><legend class="unseen">Rate ${at + 1}</legend>
        <${Field} label="Dollars" value=${each.amount} onInput=${change(at, "amount")} wrong=${wrong[at]} required inputmode="decimal" autocomplete="off" />
        <${Choice} label="For" value=${each.measure} onChange=${change(at, "measure")}
          options=${Object.entries(RATES).filter(([measure]) => measure === each.measure || left.includes(measure))} />
        ${rates.length > 1 && html`<${Action} kind="link" label=${`Leave out rate ${at + 1}`} onPress=${() => put(rates.filter((other) => other !== each))}>Leave out</${Action}>`}
      </fieldset>`)}
      ${left.length > 0 && html`<${Action} kind="link" onPress=${() => put([...rates, { measure: left.includes("OUTPUT_TOKEN") ? "OUTPUT_TOKEN" : left[0], amount: "" }])}>Add a rate</${Action}>`}
      ${problem && html`<${Notice} kind="bad">${problem.message}</${Notice}>`}
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>Set it</${Action}></div>
    </form>
  </${Dialog}>`;
}

function Unprice({ of, onClose }) {
  const act = async () => {
    await tell("setPrice", { provider: of.provider.id, item: of.item, rates: [] }, PRICED);
    say("The list's price counts again.");
    onClose();
  };
  return html`<${Asking} title=${`Remove the price of ${of.provider.name} ${of.item}`} button="Remove it" act=${act} onClose=${onClose}>
    <p>The list's price counts again. Where the list has none, calls are refused under a ceiling, and counted as unpriced without one.</p>
  </${Asking}>`;
}
