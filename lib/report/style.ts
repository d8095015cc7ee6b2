/** The style sheet of the page: readable on a phone, light or dark as the reader's system is, always light on paper. */
export const STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d8dee4;--panel:#f6f8fa;--accent:#0072b2;--ok:#116329;--ok-back:#dafbe1;--marginal:#7d4e00;--marginal-back:#fff1cc;--no:#57606a;--no-back:#eaeef2;--bad:#a40e26;--bad-back:#ffebe9}
@media (prefers-color-scheme:dark){:root{--paper:#14181d;--ink:#e6e9ec;--soft:#9aa5b1;--line:#323a43;--panel:#1c2229;--accent:#56b4e9;--ok:#7ee2a0;--ok-back:#12331f;--marginal:#f2cc60;--marginal-back:#3a2d0a;--no:#a9b4bf;--no-back:#2a323a;--bad:#ff9d96;--bad-back:#45161a}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
main{max-width:1080px;margin:0 auto;padding:28px 20px 48px}
h1{font-size:2rem;line-height:1.15;margin:.1em 0 .2em;overflow-wrap:anywhere}
h2{font-size:1.3rem;margin:2.2em 0 .6em;padding-bottom:.25em;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:0 0 .3em}
p{margin:.4em 0}
a{color:var(--accent)}
small,.soft{color:var(--soft);font-size:.86em}
.kicker{color:var(--soft);font-size:.85rem;letter-spacing:.03em;margin:0}
.subject{font-size:1.08rem;margin:0 0 .5em}
.state{display:inline-block;padding:.3em .7em;border-radius:6px;background:var(--no-back);margin:.2em 0}
.state.done{background:var(--ok-back);color:var(--ok)}
.state.running,.state.interrupted{background:var(--marginal-back);color:var(--marginal)}
.state.failed{background:var(--bad-back);color:var(--bad)}
nav{margin:1em 0 0;font-size:.92rem}
nav a{margin-right:1.1em;white-space:nowrap;display:inline-block}
.verdict{font-size:1.03rem;max-width:80ch;padding-left:1.2em;margin:.4em 0}.verdict li{margin:.35em 0}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:14px;margin-top:1em}
.card{border:1px solid var(--line);border-radius:8px;padding:14px 16px;background:var(--panel);break-inside:avoid}
.card h3{font-weight:600;color:var(--soft);font-size:.92rem}
.card .value{font-size:1.15rem;font-weight:650;line-height:1.25;margin:.1em 0 .4em}
.card.refused .value{color:var(--soft);font-weight:500}
.card .why{font-size:.87rem}
.card .from{font-size:.8rem;color:var(--soft);margin-bottom:0}
.chip{display:inline-block;padding:.1em .6em;border-radius:1em;font-size:.8rem;line-height:1.5;background:var(--no-back);color:var(--no)}
.chip.ok{background:var(--ok-back);color:var(--ok)}
.chip.marginal{background:var(--marginal-back);color:var(--marginal)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr));gap:26px 28px}
figure{margin:0;min-width:0;break-inside:avoid}
figure h3{margin:0 0 .2em}
figure>svg{display:block;width:100%;max-width:620px;height:auto;font:12px Helvetica,Arial,"Liberation Sans",sans-serif;color:var(--ink);overflow:visible}
figcaption{font-size:.86rem;color:var(--soft);margin-top:.3em;max-width:64ch}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1em 1.1em;margin:0 0 .3em;padding:0;font-size:.86rem}
.legend svg{width:26px;height:10px;margin-right:.4em;vertical-align:middle}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.4em .9em .4em 0;border-bottom:1px solid var(--line)}
thead th{color:var(--soft);font-weight:600;white-space:nowrap}
tbody th{font-weight:600}
tr.group th{padding-top:1.1em;color:var(--soft)}
.reasons{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1.2em;font-size:.9rem;margin:.3em 0}.reasons dt{font-weight:600}.reasons dd{margin:0}
td .chip{white-space:nowrap}
td.number{font-variant-numeric:tabular-nums;white-space:nowrap}
.facts th{width:11em;color:var(--soft);font-weight:500}
.facts td{overflow-wrap:anywhere}
.hash,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.82rem}
.hash{overflow-wrap:anywhere}
pre{background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:12px;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
.warnings li{margin:.25em 0}
.files{columns:2 300px;list-style:none;padding:0;font-size:.9rem}
.files li{overflow-wrap:anywhere;break-inside:avoid}
details summary{cursor:pointer;color:var(--accent)}
@media screen and (prefers-color-scheme:dark){figure>svg,.legend svg{filter:brightness(1.35)}}
@media (max-width:640px){.reasons{grid-template-columns:1fr}.reasons dd{margin-bottom:.4em}main{padding:16px 14px 40px}h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:1.7em}figure>svg{font-size:12px}.facts th{width:auto}.facts tr{display:block;padding:.35em 0;border-bottom:1px solid var(--line)}.facts th,.facts td{display:block;border:0;padding:0}
.estimates thead{display:none}.estimates tr{display:block;padding:.55em 0;border-bottom:1px solid var(--line)}.estimates th,.estimates td{display:block;border:0;padding:0 0 .1em}}
@media print{@page{size:A4;margin:15mm 14mm}:root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#444;--line:#bbb;--panel:#fff;--accent:#000;--ok:#116329;--ok-back:#dafbe1;--marginal:#7d4e00;--marginal-back:#fff1cc;--no:#444;--no-back:#eaeef2;--bad:#a40e26;--bad-back:#ffebe9}
body{font-size:10pt}main{max-width:none;padding:0}nav,details{display:none}h2{break-after:avoid;margin-top:1.5em}h1{font-size:20pt}.cards{grid-template-columns:repeat(3,1fr);gap:8px}.card{padding:9px 11px}.card .value{font-size:12pt}.figures{grid-template-columns:1fr 1fr;gap:14px 18px}
tr,.facts{break-inside:avoid}thead{display:table-header-group}a{text-decoration:none}.scroll{overflow:visible}table{font-size:8.5pt}.chip,.state{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
