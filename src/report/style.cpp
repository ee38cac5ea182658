#include "report/html.h"

namespace lacuna::report {

std::string style_sheet() {
  return palette_css(":root") + chart_css() + R"css(
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;overflow-wrap:break-word}
header,main,footer{max-width:68rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.75rem}
h1,h2,h3,h4{line-height:1.2;font-weight:650;letter-spacing:-.012em;text-wrap:balance}
h1{font-size:clamp(1.7rem,4.5vw,2.4rem);margin:.2rem 0 .5rem}
h2{font-size:1.4rem;margin:3.25rem 0 1rem;padding-top:1.25rem;border-top:1px solid var(--rule)}
h3{font-size:1.1rem;margin:2.25rem 0 .8rem}
h4{font-size:1rem;margin:1.75rem 0 .6rem}
p{max-width:44rem;margin:.6rem 0}
.kicker,.where,footer,.note{color:var(--muted);font-size:.875rem}
.kicker{margin:0;font-weight:600;letter-spacing:.02em}
.lede{font-size:1.075rem;color:var(--muted)}
dl.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.25rem,1fr));gap:1px;margin:1.75rem 0 0;
background:var(--panel);border:1px solid var(--rule);border-radius:.5rem;overflow:hidden}
dl.figures div{box-shadow:0 0 0 1px var(--rule);padding:.85rem 1rem}
dl.figures dt{color:var(--muted);font-size:.8125rem}
dl.figures dd{margin:0;font-variant-numeric:tabular-nums}
dl.figures .value{font-size:1.5rem;font-weight:600;letter-spacing:-.02em;line-height:1.3}
dl.figures .note{font-size:.8125rem}
.grid,.pair{align-items:start}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:1.75rem 2rem}
.grid>*{min-width:0}
.stack{display:grid;gap:1.75rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,18rem),1fr));gap:1.5rem}
.pair.broad{grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr))}
figure{margin:0}
figcaption{display:flex;justify-content:space-between;gap:1rem;align-items:baseline;margin:0 0 .5rem;font-size:.9375rem;
font-weight:600}
figcaption .now{font-weight:400;color:var(--muted);font-variant-numeric:tabular-nums;white-space:nowrap}
svg.ch{display:block;width:100%;height:auto}
img{display:block;width:100%;height:auto;border-radius:.25rem;border:1px solid var(--rule)}
.mosaic{max-width:32rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,14rem),1fr));gap:1.5rem;align-items:start}
.tiles.broad{grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr))}
.tiles+.tiles{margin-top:1.75rem}
.tiles>*{min-width:0}
.tiles.broad .mosaic{max-width:none}
table+.note,.scroll+.note{margin-top:.4rem}
.scroll+.scroll{margin-top:1.75rem}
.goals td.reached,.goals td.missed{font-weight:650;white-space:nowrap}
.goals td.reached::before{content:"✓ ";color:var(--c2)}
.goals td.missed::before{content:"✗ ";color:var(--c1)}
ul.legend{display:flex;flex-wrap:wrap;gap:.35rem 1.5rem;list-style:none;margin:0 0 1.25rem;padding:0;font-size:.9375rem}
ul.legend li{display:flex;align-items:center;gap:.55rem}
ul.legend svg{width:1.75rem;height:.75rem;flex:none}
.scroll{overflow-x:auto;max-width:100%}
.scroll:focus-visible,summary:focus-visible,a:focus-visible{outline:2px solid var(--c0);outline-offset:2px}
table{border-collapse:collapse;font-size:.9375rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:0 0 .4rem}
th,td{padding:.4rem .9rem .4rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule)}
th:last-child,td:last-child{padding-right:0}
thead th{color:var(--muted);font-weight:600;font-size:.8125rem;vertical-align:bottom}
tbody th{font-weight:400}
td.number,th.number{text-align:right}td.number,tbody th.number{white-space:nowrap}
.settings{width:100%;table-layout:fixed}
.settings td{color:var(--muted);overflow-wrap:anywhere}
.settings tr.changed th{font-weight:650}
.settings tr.changed td{color:var(--ink);font-weight:650}
.settings tr.changed td .was{display:block;font-weight:400;font-size:.8125rem;color:var(--muted)}
.confusion th,.confusion td{padding:.35rem .4rem;text-align:right;border:1px solid var(--bg);min-width:2.3rem}
.confusion td{background:color-mix(in srgb,var(--heat) calc(var(--share)*1%),var(--panel))}
.confusion td.right{--heat:var(--c0);font-weight:650}
.confusion td.wrong{--heat:var(--c1)}
.confusion tbody th,.confusion thead th{color:var(--muted);font-size:.875rem;font-weight:600;text-align:right}
.confusion td.none{color:var(--muted)}
.classes{width:100%}
.meter{display:block;height:.5rem;min-width:6rem;border-radius:.25rem;background:var(--panel);overflow:hidden}
td.fill{width:40%;vertical-align:middle;padding-right:0}
.meter i{display:block;height:100%;background:var(--c1)}
.problems{border-left:3px solid var(--c1);background:var(--panel);padding:.75rem 1rem;margin:1.5rem 0;
border-radius:0 .375rem .375rem 0}
.problems p{margin:0;font-weight:600}.problems ul{margin:.3rem 0 0;padding-left:1.2rem}
details{margin:1.5rem 0}
summary{cursor:pointer;font-weight:600}
nav ol{padding-left:1.3rem}
a{color:var(--c0)}
code{font:.9em ui-monospace,'SF Mono',Menlo,Consolas,monospace;overflow-wrap:anywhere}
footer{margin-top:4rem;padding-bottom:2.5rem}
footer p{max-width:none;margin:0;padding-top:1rem;border-top:1px solid var(--rule)}
.scroll thead th:first-child,.scroll tbody th:first-child{position:sticky;left:0;background:var(--bg)}
@media(max-width:60rem){table{font-size:.875rem}th,td{padding-right:.6rem}thead th{font-size:.75rem}}
@media(max-width:30rem){.confusion{font-size:.75rem}.confusion th,.confusion td{padding:.3rem .1rem;min-width:1.5rem}
.confusion tbody th,.confusion thead th{font-size:.75rem}}
@media print{h2{break-after:avoid}figure,tr{break-inside:avoid}}
)css";
}

}  // namespace lacuna::report
