// Settings → Ceilings: what tools may use at most, how far it is used, and how to go on from one
// that is hit. Beneath: what counts though nobody knows what it cost, what runs by the hour, and
// prices of one's own.

import { html, useEffect, useState } from "../vendor/view.js";
import { useAmount } from "../ceilings/amount_field.js";
import { Disputed, Release } from "../ceilings/disputed.js";
import { End, Hourly } from "../ceilings/hourly.js";
import { Prices, Pricing, Unprice } from "../ceilings/prices.js";
import { placesOf } from "../core/amounts.js";
import { tell } from "../core/api.js";
import { useAsked } from "../core/asked.js";
import { hear } from "../core/live.js";
import {
  Action, Badge, Bar, Choice, Confirm, Dialog, Empty, Field, Notice, Page, say, Shown, useAct, When,
  Wrong,
} from "../core/parts.js";
import { amount, percent } from "../core/words.js";

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
        ${doing?.name === "raise" && html`<${Raise} of=${doing.of} isGone=${!byId.has(doing.of.id)} onClose=${close} />`}
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

function Setting({ ceilings, providers, tools, onClose }) {
  const [what, change] = useState({ provider: "", tool: "", measure: "SPEND", currency: "usd" });
  const pick = (field) => (event) => { change({ ...what, [field]: event.target.value }); forget(); };
  const pickMeasure = (event) => {
    const measure = event.target.value;
    // What is moved is counted at one provider, and there is one at which calls move money.
    const provider = measure === "MOVED" ? what.provider || "stripe" : what.provider;
    change({ ...what, measure, provider });
    forget();
  };
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
  return html`<${Dialog} title="Set a ceiling" busy=${busy} onClose=${onClose}>
    <form onSubmit=${submit}>
      <${Choice} label="What it counts" value=${what.measure} options=${MEASURES} onChange=${pickMeasure}
        hint=${isMoved ? "PaymentIntents, transfers, payouts and refunds at Stripe. No fee: a budget of its own." : undefined} autofocus />
      ${isMoved && html`<${Field} label="Currency" value=${what.currency} onInput=${pick("currency")} required maxlength="3"
        autocomplete="off" hint="Its three letters, such as eur." />`}
      <${Choice} label="Provider" value=${what.provider} required=${isMoved} options=${[...allProviders, ...providers.map((each) => [each.id, each.name])]} onChange=${pick("provider")} />
      <${Choice} label="Tool" value=${what.tool} options=${[["", "All of them together"], ...tools.map((each) => [each.id, each.name])]} onChange=${pick("tool")} />
      <${Field} label=${what.measure === "CALLS" ? "How many at most" : `At most, in ${isMoved ? currency.toUpperCase() : "dollars"}`}
        value=${text} onInput=${type} wrong=${wrong} hint=${digits} required inputmode="decimal" autocomplete="off" />
      ${present && html`<${Notice} kind="warn">There is one for this already: ${amount(present.limit, present.currency)}, of which ${amount(present.settled, present.currency)} is used. It gets the new limit.</${Notice}>`}
      <${Wrong} of=${problem} />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>Set it</${Action}></div>
    </form>
  </${Dialog}>`;
}

function Raise({ of, isGone, onClose }) {
  const { provider, tool, measure, currency } = of;
  const [send, busy, problem] = useAct(async (limit) => {
    const answer = await tell("setCeiling",
      { provider: provider?.id ?? null, tool: tool?.id ?? null, measure, currency: currency ?? "usd", limit },
      `... on CeilingSet { ceiling { ${CEILING} } } ... on InvalidInput { field }`);
    say(`The ceiling is ${amount(answer.ceiling.limit, currency)} and ${answer.ceiling.state === "HIT" ? "hit" : "open"}.`);
    onClose();
  });
  const [text, type, wrong, submit] = useAmount(of.limit, placesOf(measure, currency), send);
  return html`<${Dialog} title=${`Raise or lower: ${nameOf(of)}`} busy=${busy} onClose=${onClose}>
    <p>${amount(of.settled, currency)} is used, and ${amount(of.held, currency)} is held by running calls.</p>
    <p class="quiet">Raised above what is used, it is open again. Lowered below what is used and held, it is hit.</p>
    <form onSubmit=${submit}>
      <${Field} label="The new ceiling" value=${text} onInput=${type} wrong=${wrong} required inputmode="decimal" autocomplete="off" autofocus />
      ${isGone && html`<${Notice} kind="warn">It was removed meanwhile. Setting it makes a new one, of which nothing is used.</${Notice}>`}
      <${Wrong} of=${problem} />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>Set it</${Action}></div>
    </form>
  </${Dialog}>`;
}

function Reset({ of, onClose }) {
  const act = async () => {
    await tell("resetCeiling", { id: of.id }, `... on CeilingReset { ceiling { ${CEILING} } }`);
    say("The ceiling begins anew.");
    onClose();
  };
  return html`<${Confirm} title=${`Reset: ${nameOf(of)}`} button="Reset it" kind="first" act=${act} onClose=${onClose}>
    <p>It begins anew: nothing is used, it is open, and ${amount(of.limit, of.currency)} may be used again. Calls that are running stay charged to what was before.</p>
    <p class="quiet">What was spent stays known, under Spend.</p>
  </${Confirm}>`;
}

function Remove({ of, onClose }) {
  const act = async () => {
    await tell("removeCeiling", { id: of.id }, "... on CeilingRemoved { id }");
    say("The ceiling is removed.");
    onClose();
  };
  return html`<${Confirm} title=${`Remove: ${nameOf(of)}`} button="Remove it" act=${act} onClose=${onClose}>
    <p>It holds nothing up any more: calls that it covers are limited only by other ceilings. What was spent under it stays known.</p>
  </${Confirm}>`;
}
