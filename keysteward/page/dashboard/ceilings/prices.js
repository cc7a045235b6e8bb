// Prices of one's own, which go before the list's.

import { html, useRef, useState } from "../vendor/view.js";
import { wrongWith } from "../core/amounts.js";
import { tell } from "../core/api.js";
import {
  Action, Cell, Choice, Confirm, Dialog, Field, say, Section, Table, useAct, When, Wrong,
} from "../core/parts.js";
import { amount, spoken } from "../core/words.js";

const RATES = {
  REQUEST: "a request", INPUT_TOKEN: "a million input tokens", OUTPUT_TOKEN: "a million output tokens",
  CHARACTER: "a character", SECOND: "a second", IMAGE: "an image", SEGMENT: "a segment", MAIL: "a mail", HOUR: "an hour",
};
const rateOf = ({ measure, amount: of }) => `${amount(of)} ${RATES[measure] ?? spoken(measure)}`;
const itemOf = (item) => (item === "*" ? "whatever has no price otherwise" : item);

/** All of them, by provider and item. */
export function Prices({ of, act }) {
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

/** Asks what an item costs: a new one, or `of` anew. */
export function Pricing({ of, providers, onClose }) {
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
  return html`<${Dialog} title=${of ? `Change the price of ${of.provider.name} ${of.item}` : "Set a price"} busy=${busy} onClose=${onClose}>
    <form ref=${form} onSubmit=${submit}>
      ${!of && html`<${Choice} label="Provider" name="provider" required options=${[["", "Choose…"], ...providers.map((each) => [each.id, each.name])]} autofocus />
        <${Field} label="Model or operation" name="item" required maxlength="100" autocomplete="off" spellcheck=${false} onInput=${forget}
          hint=${html`A model, such as <code>gpt-5</code>; an operation as Calls shows it; or <code>*</code> for whatever has no price otherwise.`} />`}
      <p class="quiet">All that it is charged by; what isn't named here costs nothing.</p>
      ${rates.map((each, at) => html`<fieldset key=${at} class="rate"><legend class="unseen">Rate ${at + 1}</legend>
        <${Field} label="Dollars" value=${each.amount} onInput=${change(at, "amount")} wrong=${wrong[at]} required inputmode="decimal" autocomplete="off" />
        <${Choice} label="For" value=${each.measure} onChange=${change(at, "measure")}
          options=${Object.entries(RATES).filter(([measure]) => measure === each.measure || left.includes(measure))} />
        ${rates.length > 1 && html`<${Action} kind="link" label=${`Leave out rate ${at + 1}`} onPress=${() => put(rates.filter((other) => other !== each))}>Leave out</${Action}>`}
      </fieldset>`)}
      ${left.length > 0 && html`<${Action} kind="link" onPress=${() => put([...rates, { measure: left.includes("OUTPUT_TOKEN") ? "OUTPUT_TOKEN" : left[0], amount: "" }])}>Add a rate</${Action}>`}
      <${Wrong} of=${problem} />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>Set it</${Action}></div>
    </form>
  </${Dialog}>`;
}

/** Asks whether the list's price is to count again. */
export function Unprice({ of, onClose }) {
  const act = async () => {
    await tell("setPrice", { provider: of.provider.id, item: of.item, rates: [] }, PRICED);
    say("The list's price counts again.");
    onClose();
  };
  return html`<${Confirm} title=${`Remove the price of ${of.provider.name} ${of.item}`} button="Remove it" kind="first" act=${act} onClose=${onClose}>
    <p>The list's price counts again. Where the list has none, calls are refused under a ceiling, and counted as unpriced without one.</p>
  </${Confirm}>`;
}
