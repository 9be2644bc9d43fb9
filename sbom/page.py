"""The look of the report: one style and one small script, both inside the page, so that it travels as one file."""

STYLE = """
:root { color-scheme: light; --ink: #1a1f24; --soft: #5a6570; --line: #d4dae0; --fill: #f3f5f7;
  --good: #1c6b3c; --bad: #a3261c }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 78rem; color: var(--ink); background: #fff;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.2 }
h2 { margin: 2.4rem 0 .6rem; padding-top: .6rem; border-top: 2px solid var(--ink); font-size: 1.2rem }
h3 { margin: 1.2rem 0 .3rem; font-size: 1rem }
p { margin: .4rem 0; max-width: 60rem }
.sub { color: var(--soft) }
nav { margin: 1rem 0 0 } nav a { margin-right: 1.2rem; color: inherit }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .8rem; margin: 1rem 0 }
dl.facts div { padding: .6rem .8rem; border: 1px solid var(--line); border-radius: 6px; background: var(--fill) }
dl.facts dt { color: var(--soft); font-size: .85rem } dl.facts dd { margin: 0; font-size: 1.25rem; font-weight: 600 }
.good { color: var(--good) } .bad { color: var(--bad) }
.wide { overflow-x: auto }
table { width: 100%; border-collapse: collapse; font-size: .9rem }
caption { padding: .2rem 0; text-align: left; color: var(--soft) }
#changes ~ .wide caption { color: inherit; font-weight: 600 }
#summary ~ .wide caption { color: var(--soft); font-weight: 400 }
th, td { padding: .32rem .6rem .32rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th { white-space: nowrap } td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
td:first-child { min-width: 9rem }
td small { display: block; color: var(--soft); overflow-wrap: anywhere }
code, .hash { font: .85em/1.4 ui-monospace, "Liberation Mono", monospace; overflow-wrap: anywhere }
input[type=search] { width: 22rem; max-width: 100%; padding: .4rem .6rem; border: 1px solid var(--soft);
  border-radius: 6px; font: inherit }
.sign { display: grid; grid-template-columns: 1fr 1fr; gap: 1.4rem 2rem; margin-top: 1rem }
.sign div { padding-top: 2.4rem; border-bottom: 1px solid var(--ink); color: var(--soft) }
.search { display: none }
@media print {
  @page { size: A4; margin: 14mm }
  body { padding: 0; max-width: none; font-size: 10pt } nav, .search { display: none !important }
  h2 { break-after: avoid } tr, dl.facts div { break-inside: avoid } thead { display: table-header-group }
  .wide { overflow: visible } table { font-size: 8pt } tr[hidden] { display: table-row !important }
  .approve { break-inside: avoid }
}
@media (max-width: 40rem) { .sign { grid-template-columns: 1fr } body { padding: 1rem } }
"""

SCRIPT = """
"use strict";
const field = document.getElementById("find");
const rows = Array.from(document.querySelectorAll("#components tbody tr"));
const texts = rows.map((row) => row.textContent.toLowerCase());
const told = document.getElementById("found");
document.querySelector(".search").style.display = "block";
field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  rows.forEach((row, at) => {
    row.hidden = !words.every((word) => texts[at].includes(word));
    shown += row.hidden ? 0 : 1;
  });
  told.textContent = words.length ? `${shown} of ${rows.length}` : "";
});
"""
