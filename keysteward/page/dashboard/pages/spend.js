// Spend: what was spent in a span of days, by day, provider, tool and model. Days are UTC's, as the
// API counts them. Every figure leads to the calls that it is made of.

import { html, useState } from "../vendor/view.js";
import { nanoOf, textOf, totalOf } from "../core/amounts.js";
import { useAsked } from "../core/asked.js";
import { go } from "../core/go.js";
import { Action, Cell, Empty, Field, Notice, Page, Section, Shown, Table, Tabs } from "../core/parts.js";
import { callsAt, dayAfter, spanOf, todayInUtc } from "../core/traced.js";
import { amount, count, dayOf, percent, several } from "../core/words.js";

const EVERY = 10_000;
const FIGURES = "amount disputed calls unpriced";
const SPEND = `query ($from: DateTime, $to: DateTime) {
  days: spend(from: $from, to: $to, by: DAY) { day ${FIGURES} }
  providers: spend(from: $from, to: $to, by: PROVIDER) { provider { id name } ${FIGURES} }
  tools: spend(from: $from, to: $to, by: TOOL) { tool { id name revokedAt } ${FIGURES} }
  models: spend(from: $from, to: $to, by: MODEL) { model provider { id name } ${FIGURES} }
}`;

const RANGES = {
  today: ["Today", (today) => [today, today]],
  "7d": ["7 days", (today) => [dayAfter(today, -6), today]],
  "30d": ["30 days", (today) => [dayAfter(today, -29), today]],
  month: ["This month", (today) => [`${today.slice(0, 8)}01`, today]],
  custom: ["Custom", (today) => [dayAfter(today, -29), today]],
};
const FIRST = "30d";
const LONGEST_DAYS = 3660;
/** Up to so many days each has a bar of its own; beyond, each month. */
const MOST_BARS = 93;
const DAY_FORM = /^\d{4}-\d{2}-\d{2}$/;

/** Why these can't be the first and the last day of a span; null where they can. */
function wrongSpan(first, last) {
  if (![first, last].every((day) => DAY_FORM.test(day ?? "") && !Number.isNaN(Date.parse(day)))) return "Give two days.";
  if (first > last) return "The last day comes before the first.";
  return dayAfter(first, LONGEST_DAYS) < last ? "Give ten years at most." : null;
}

/** Which days an address asks for: `{name, first, last}`. */
function spanOfAddress(query) {
  const today = todayInUtc();
  const [first, last] = [query.get("first"), query.get("last")];
  if (wrongSpan(first, last) === null) return { name: "custom", first, last };
  const name = Object.hasOwn(RANGES, query.get("range")) ? query.get("range") : FIRST;
  const [begin, end] = RANGES[name][1](today);
  return { name, first: begin, last: end };
}

export default function Spend({ query }) {
  const { name, first, last } = spanOfAddress(query);
  const choose = (range) => go(`/dashboard/spend?range=${range}`);
  return html`<${Page} title="Spend" lead="What your tools' calls cost, to the nano-dollar. Days begin and end in UTC; a call counts on the day on which it ended.">
    <${Tabs} label="Which days" value=${name} onChange=${choose} options=${Object.entries(RANGES).map(([value, [words]]) => [value, words])} />
    ${name === "custom" && html`<${Custom} key=${`from ${first} until ${last}`} first=${first} last=${last} />`}
    <p class="quiet">${first === last ? dayOf(first) : `${dayOf(first)} to ${dayOf(last)}`}, in UTC.</p>
    <${Figured} key=${`${first} ${last}`} first=${first} last=${last} />
  </${Page}>`;
}

/** All figures of one span: another span has a place of its own, so that none is shown as another's. */
function Figured({ first, last }) {
  const span = spanOf(first, last);
  const asked = useAsked(SPEND, span, { every: EVERY });
  return html`<${Shown} asked=${asked}>${({ days, providers, tools, models }) => (providers.length === 0
    ? html`<${Empty} title="Nothing was spent in these days">
        <p>Once your tools call, what that costs stands here by day, provider, tool and model. Each figure leads to its calls.</p>
        <p>A ceiling says how much it may be: <a href="/dashboard/settings/ceilings">set one</a>.</p></${Empty}>`
    : html`<${Totals} of=${providers} span=${span} />
      <${Days} of=${days} first=${first} last=${last} />
      <${Shares} title="By provider" head="Provider" of=${providers} span=${span}
        nameOf=${(each) => each.provider.name} wantedOf=${(each) => ({ provider: each.provider.id })} />
      <${Shares} title="By tool" head="Tool" of=${tools} span=${span} nameOf=${(each) => each.tool.name}
        noteOf=${(each) => each.tool.revokedAt && "revoked"} wantedOf=${(each) => ({ tool: each.tool.id })} />
      <${Shares} title="By model" head="Model" of=${models} span=${span} nameOf=${(each) => each.model ?? "no model"}
        noteOf=${(each) => each.provider.name} wantedOf=${(each) => ({ provider: each.provider.id, model: each.model ?? "" })} />`)}</${Shown}>`;
}

function Custom({ first, last }) {
  const [wrong, mark] = useState(null);
  const submit = (event) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const [from, until] = [fields.get("first"), fields.get("last")];
    const found = wrongSpan(from, until);
    mark(found);
    if (found === null) go(`/dashboard/spend?first=${from}&last=${until}`);
  };
  return html`<form class="filters" onSubmit=${submit}>
    <${Field} label="First day" name="first" type="date" defaultValue=${first} required />
    <${Field} label="Last day" name="last" type="date" defaultValue=${last} required />
    <${Action} kind="first" type="submit">Show</${Action}>
    ${wrong && html`<${Notice} kind="bad">${wrong}</${Notice}>`}
  </form>`;
}

function Totals({ of, span }) {
  const disputed = totalOf(of.map((each) => each.disputed));
  const calls = of.reduce((sum, each) => sum + each.calls, 0);
  const unpriced = of.reduce((sum, each) => sum + each.unpriced, 0);
  return html`<dl class="card figures totals">
    <div><dt>Spent</dt><dd class="figure"><a href=${callsAt(span)}>${amount(totalOf(of.map((each) => each.amount)))}</a></dd></div>
    <div><dt>Calls that cost, or may have</dt><dd class="figure"><a href=${callsAt(span)}>${count(calls)}</a></dd></div>
    <div><dt>Of that disputed</dt><dd class="figure"><a href=${callsAt({ ...span, disputed: true })}>${amount(disputed)}</a></dd>
      ${nanoOf(disputed) !== 0n && html`<dd class="hint">Nobody knows whether it was charged. <a href="/dashboard/settings/ceilings">Say what it cost</a></dd>`}</div>
    <div><dt>Without a known price</dt><dd class="figure"><a href=${callsAt({ ...span, unpriced: true })}>${count(unpriced)}</a></dd>
      ${unpriced > 0 && html`<dd class="hint">They count as nothing here. <a href="/dashboard/settings/ceilings">Set a price</a></dd>`}</div>
  </dl>`;
}

/** Give the span's days, or months where they are many, each with what was spent; days without are 0. */
function barsOf(days, first, last) {
  const byMonth = dayAfter(first, MOST_BARS) <= last;
  const size = byMonth ? 7 : 10;
  const bars = new Map();
  for (let day = first; day <= last; day = dayAfter(day)) {
    const bar = bars.get(day.slice(0, size)) ?? { first: day, amount: 0n, disputed: 0n, calls: 0, unpriced: 0 };
    bars.set(day.slice(0, size), { ...bar, last: day });
  }
  for (const each of days) {
    const bar = bars.get(each.day.slice(0, size));
    if (!bar) continue;
    bar.amount += nanoOf(each.amount);
    bar.disputed += nanoOf(each.disputed);
    bar.calls += each.calls;
    bar.unpriced += each.unpriced;
  }
  return [...bars.values()].map((bar) => ({ ...bar, byMonth, amount: textOf(bar.amount), disputed: textOf(bar.disputed) }));
}

const month = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric", timeZone: "UTC" });
const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const nameOfBar = (bar) => (bar.byMonth ? month.format(new Date(bar.first)) : dayOf(bar.first));
const labelOfBar = (bar) => (bar.byMonth ? month : short).format(new Date(bar.first));

function Days({ of, first, last }) {
  const bars = barsOf(of, first, last);
  const spent = bars.filter((bar) => bar.calls > 0);
  const title = bars[0].byMonth ? "By month" : "By day";
  return html`<${Section} title=${title}>
    ${bars.length > 1 && html`<${Chart} bars=${bars} />`}
    <details open=${bars.length === 1}><summary>${title}, as a table</summary>
      <${Figures} caption=${title} head=${bars[0].byMonth ? "Month" : "Day"} rows=${spent.map((bar) => ({ ...bar, key: bar.first, name: nameOfBar(bar), wanted: spanOf(bar.first, bar.last) }))} />
      ${spent.length < bars.length && html`<p class="hint">Nothing was spent ${bars[0].byMonth ? "in" : "on"} ${several(bars.length - spent.length, bars[0].byMonth ? "other month" : "other day")}.</p>`}
    </details>
  </${Section}>`;
}

/** The least of 1, 2, 2.5 or 5 times a power of ten that is no less. */
function topOf(highest) {
  const power = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= highest * 0.999999);
}

const dollars = new Intl.NumberFormat("en", { style: "currency", currency: "USD", maximumSignificantDigits: 3 });

/**
 * Bars as high as their share of the highest. Drawn by the style sheet's own colours, so that both
 * schemes and forced colours hold; who can't see it has the table, from which every figure leads on.
 */
function Chart({ bars }) {
  const [at, point] = useState(null);
  const highest = Math.max(...bars.map((bar) => Number(bar.amount)), 0);
  const top = highest > 0 ? topOf(highest) : 1;
  const every = Math.ceil(bars.length / 7);
  const dearest = bars.reduce((most, bar) => (nanoOf(bar.amount) > nanoOf(most.amount) ? bar : most));
  const label = `${several(bars.length, bars[0].byMonth ? "month" : "day")}, the dearest ${nameOfBar(dearest)} with ${amount(dearest.amount)}. The table beneath has each.`;
  const shown = bars[at] ?? null;
  const isDisputed = bars.some((bar) => Number(bar.disputed) !== 0);
  return html`<div>
    <p class="pointed" aria-hidden="true">${shown ? html`<strong>${nameOfBar(shown)}</strong> ${amount(shown.amount)} · ${several(shown.calls, "call")}${Number(shown.disputed) !== 0 ? ` · ${amount(shown.disputed)} disputed` : ""}`
      : html`<span class="quiet">Point at a bar for its figures; press it for its calls.</span>`}</p>
    <div class="chart" role="img" aria-label=${label} onMouseLeave=${() => point(null)}>
      <div class="scale">${[top, top / 2, 0].map((each) => html`<span>${dollars.format(each)}</span>`)}</div>
      <div class="bars">${bars.map((bar, index) => {
        const sure = Math.max(0, Number(bar.amount) - Number(bar.disputed));
        return html`<div key=${bar.first} class=${index === at ? "pointed-at" : ""} onMouseEnter=${() => point(index)} onClick=${() => go(callsAt(spanOf(bar.first, bar.last)))}>
          <span class="disputed" style=${{ height: `${percent(bar.disputed, top)}%` }}></span>
          <span style=${{ height: `${percent(sure, top)}%` }}></span>
          ${index % every === 0 && html`<i class=${(index / every) % 2 ? "spare" : ""}>${labelOfBar(bar)}</i>`}</div>`;
      })}</div>
    </div>
    ${isDisputed && html`<p class="key hint"><span class="sure"></span> charged <span class="disputed"></span> disputed</p>`}
  </div>`;
}

function Shares({ title, head, of, span, nameOf, noteOf, wantedOf }) {
  const rows = of.map((each) => {
    const wanted = wantedOf(each);
    return { ...each, key: JSON.stringify(wanted), name: nameOf(each), note: noteOf?.(each), wanted: { ...wanted, ...span } };
  });
  return html`<${Section} title=${title}><${Figures} caption=${title} head=${head} rows=${rows} /></${Section}>`;
}

/** Rows of `{key, name, note, wanted, amount, disputed, calls, unpriced}`, each with its share drawn; `wanted` are its calls. */
function Figures({ caption, head, rows }) {
  const highest = Math.max(...rows.map((row) => Number(row.amount)), 0);
  const heads = [head, { label: "Share", hidden: true }, { label: "Spent", numeric: true }, { label: "Disputed", numeric: true },
    { label: "Calls", numeric: true }, { label: "No price", numeric: true }];
  const none = html`<span class="quiet">none</span>`;
  return html`<${Table} caption=${caption} heads=${heads}>${rows.map((row) => {
    const name = `${row.name}${row.note ? `, ${row.note}` : ""}`;
    return html`<tr key=${row.key}>
      <${Cell} head=${head}><div>${row.name}${row.note && html` <span class="quiet">${row.note}</span>`}</div></${Cell}>
      <td class="share"><div class="bar" aria-hidden="true"><span style=${{ width: `${percent(row.amount, highest)}%` }}></span></div></td>
      <${Cell} head="Spent" numeric><a href=${callsAt(row.wanted)} aria-label=${`${amount(row.amount)}: calls of ${name}`}>${amount(row.amount)}</a></${Cell}>
      <${Cell} head="Disputed" numeric>${Number(row.disputed) === 0 ? none
        : html`<a href=${callsAt({ ...row.wanted, disputed: true })} aria-label=${`${amount(row.disputed)}: disputed calls of ${name}`}>${amount(row.disputed)}</a>`}</${Cell}>
      <${Cell} head="Calls" numeric>${count(row.calls)}</${Cell}>
      <${Cell} head="No price" numeric>${row.unpriced === 0 ? none
        : html`<a href=${callsAt({ ...row.wanted, unpriced: true })} aria-label=${`${count(row.unpriced)}: calls of ${name} without a known price`}>${count(row.unpriced)}</a>`}</${Cell}>
    </tr>`;
  })}</${Table}>`;
}
