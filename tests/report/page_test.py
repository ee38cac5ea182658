"""Makes report pages and looks at them in headless Chromium: what must be there is there, nothing is loaded, and they can
be read on a wide screen and on a telephone, light and dark.

usage: page_test.py LACUNA CHROMIUM [DIRECTORY]    the pages and pictures of them stay in DIRECTORY
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from browser import Browser

WIDE, HALF, PHONE = 1200, 800, 390
HOSTILE = '<script>alert("&")</script><img src=http://127.0.0.1/x>'

# Everything that a look at the page needs, in one object.
LOOK = r"""
(() => {
  const all = (selector, where = document) => [...where.querySelectorAll(selector)];
  const texts = (selector) => all(selector).map((e) => e.textContent.trim());
  const parse = (colour) => {
    const numbers = colour.match(/-?[\d.]+(e-?\d+)?/g).map(Number);
    const rgb = colour.startsWith('color(') ? numbers.slice(0, 3).map((v) => 255 * v) : numbers.slice(0, 3);
    return [...rgb, numbers.length > 3 ? numbers[3] : 1];
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour[3] === 1) return colour;
      if (colour[3] > 0) throw new Error('half-transparent ground: ' + e.className);
    }
    throw new Error('nothing is behind ' + element.tagName);
  };
  const faint = [];
  for (const e of all('body *')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || e.tagName === 'title') continue;
    const style = getComputedStyle(e);
    const ink = luminance(parse(e.tagName === 'text' ? style.fill : style.color));
    const back = luminance(ground(e));
    const contrast = (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05);
    if (contrast < 4.5) faint.push([e.textContent, contrast]);
  }
  const links = all('*').flatMap((e) => ['src', 'href', 'srcset', 'action', 'data', 'xlink:href']
      .filter((name) => e.hasAttribute(name)).map((name) => e.getAttribute(name)));
  return {
    title: document.title, h1: texts('h1'), h2: texts('h2'), h3: texts('h3'), kicker: texts('.kicker'),
    figures: Object.fromEntries(all('header dl.figures div')
        .map((d) => [d.querySelector('dt').textContent, d.querySelector('.value').textContent])),
    charts: all('figure.chart').map((f) => f.querySelector('figcaption').firstChild.textContent.trim()),
    curves: all('figure.chart svg').map((s) => s.querySelectorAll('.line, .bar').length),
    namelessCharts: all('svg[role=img]').filter((s) => !s.getAttribute('aria-label')).length,
    images: all('img').map((i) => [i.naturalWidth, i.alt]),
    changed: all('tr.changed').map((r) => r.querySelector('th').textContent),
    settings: all('.settings tr').length,
    tables: all('table').filter((t) => !t.classList.contains('settings')).map((t) => [...t.rows].map((r) => [...r.cells].map((c) => c.textContent))),
    headerless: all('table').filter((t) => !t.querySelector('th[scope]')).length,
    goals: all('.goals td:first-of-type').map((c) => c.className),
    aligned: all('table').map((t) => [...(t.rows[1] ?? t.rows[0]).cells].map((c) => getComputedStyle(c).textAlign)),
    problems: texts('.problems li'), references: texts('text.named'), legend: texts('.legend li'),
    scripts: all('script').length, links, faint,
    background: getComputedStyle(document.body).backgroundColor,
    cut: all('.scroll').filter((s) => s.scrollWidth > s.clientWidth).map((s) => s.getAttribute('aria-label')),
    width: [document.documentElement.scrollWidth, document.documentElement.clientWidth],
    levels: all('h1,h2,h3,h4,h5,h6').map((h) => Number(h.tagName[1])),
  };
})()
"""


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(part) for part in what))


class Pages:
    def __init__(self, program, browser, directory):
        self.program, self.browser, self.directory = program, browser, directory

    def at(self, name):
        return os.path.join(self.directory, name)

    def run(self, *arguments):
        subprocess.run([self.program, *arguments], check=True, cwd=self.directory, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def put(self, name, content):
        os.makedirs(os.path.dirname(self.at(name)), exist_ok=True)
        with open(self.at(name), "w") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))

    def look(self, page):
        """Looks at a page in four ways, checks what holds for all pages and returns what it says."""
        seen = {}
        for width in (WIDE, PHONE):
            for scheme in ("light", "dark"):
                requests = self.browser.open(self.at(page), width, scheme)
                view = self.browser.evaluate(LOOK)
                name = f"{page} at {width}, {scheme}:"
                check(not requests, name, "asked for", requests)
                check(not self.browser.complaints(), name, self.browser.complaints())
                check(view["width"][0] <= view["width"][1], name, "scrolls sideways", view["width"])
                check(not view["faint"], name, "cannot be read:", view["faint"][:5])
                self.browser.screenshot(self.at(re.sub(r"\W", "_", f"{page}_{width}_{scheme}") + ".png"))
                seen[width, scheme] = view
        view = seen[WIDE, "light"]
        check(view["background"] != seen[WIDE, "dark"]["background"], page, "is not dark where dark is wanted")
        check(all(link.startswith("data:") for link in view["links"]), page, "refers to", view["links"])
        check(view["scripts"] == 0, page, "has scripts")
        check(all(width > 0 and alt for width, alt in view["images"]), page, view["images"])
        check(view["namelessCharts"] == 0 and all(view["curves"]), page, "has empty charts", view["curves"])
        check(view["headerless"] == 0, page, "has tables without headers")
        check(len(view["h1"]) == 1 and all(b - a <= 1 for a, b in zip(view["levels"], view["levels"][1:])), page,
              view["levels"])
        check(view["title"] == view["h1"][0], page, view["title"])
        return view


def classifier(pages, name):
    rows = [{"epoch": 1 + i // 4, "step": 100 * i, "loss": 2 / i + 0.1, "cross_entropy": 2 / i, "weight_decay": 0.1,
             "training_error": 0.5 / i, **({"test_accuracy": 1 - 0.6 / i} if i % 4 == 0 else {}), "seconds": 0.5,
             "samples_per_second": 20000} for i in range(1, 13)]
    pages.put(f"{name}/metrics.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    confusion = [[90, 4, 6], [0, 120, 0], [10, 0, 70]]
    per_class = [{"class": label, "samples": sum(row), "correct": row[i], "accuracy": row[i] / sum(row)}
                 for i, (label, row) in enumerate(zip(("0", "1", HOSTILE), confusion))]
    pages.put(f"{name}/evaluation.json",
              {"data": "mnist test", "samples": 300, "accuracy": 280 / 300, "error": 20 / 300, "cross_entropy": 0.25,
               "classes": ["0", "1", HOSTILE], "per_class": per_class, "confusion": confusion})
    pages.put(f"{name}/config.toml", f"data = {json.dumps(HOSTILE)}\nlr = 0.01\n")


def check_one_run(pages):
    pages.run("report", "kl")
    view = pages.look("kl/report.html")
    check(view["h2"] == ["Curves", "Units", "Input and reconstruction", "Settings"], view["h2"])
    check(view["charts"] == ["Loss", "Reconstruction", "Sparsity", "Weight decay", "Mean activation",
                             "Samples per second", "ρ̂ of each unit, sorted", "All activations"], view["charts"])
    check(len(view["images"]) == 3, view["images"])
    check(view["references"] == ["ρ = 0.2", "ρ = 0.2"], view["references"])
    check(view["changed"] == ["data", "hidden", "rho", "epochs", "threads"], view["changed"])
    check(view["settings"] > 20 and not view["problems"], view["settings"], view["problems"])
    with open(pages.at("kl/metrics.jsonl")) as file:
        last = json.loads(file.readlines()[-1])
    check(abs(float(view["figures"]["Training loss"].replace(",", "")) / last["loss"] - 1) < 1e-3, view["figures"], last)
    check(view["figures"]["Epochs"] == "3", view["figures"])


def check_classifier(pages):
    pages.run("report", "softmax")
    view = pages.look("softmax/report.html")
    check(view["h2"] == ["Class by class", "Curves", "Settings"], view["h2"])
    check(view["figures"]["Accuracy"] == "93.33%" and view["figures"]["Errors"] == "20", view["figures"])
    confusion, per_class = view["tables"]
    check(confusion == [["true", "0", "1", HOSTILE], ["0", "90", "4", "6"], ["1", "·", "120", "·"],
                        [HOSTILE, "10", "·", "70"]], confusion)
    check([row[:4] for row in per_class[1:]] == [["0", "100", "90.00%", "10"], ["1", "120", "100.00%", "0"],
                                                 [HOSTILE, "80", "87.50%", "10"]], per_class)
    check("Test accuracy" in view["charts"] and "Training error" in view["charts"], view["charts"])


def check_comparison(pages):
    pages.run("report", "kl", "l1", "softmax", "--out", "comparison.html")
    view = pages.look("comparison.html")
    check(view["h2"] == ["Comparison", "Curves", "What the units look for", "kl", "l1", "softmax"], view["h2"])
    check(view["legend"] == ["kl", "l1", "softmax"], view["legend"])
    header, *rows = view["tables"][0]
    check([row[0] for row in rows] == ["kl", "l1", "softmax"], rows)
    column = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    check(column["sparsity"] == ["kl", "l1", "–"] and column["epochs"] == ["3", "2", "–"], column)
    check(column["accuracy"] == ["–", "–", "93.33%"], column)
    check("batch" in header and "final loss" in header and "final test accuracy" in header, header)
    check(len(view["images"]) == 2 + 2 * 3, view["images"])
    pages.run("report", "kl", "l1", "--out", "two.html")
    header = pages.look("two.html")["tables"][0][0]
    check("sparsity" in header and "batch" not in header, "settings that are the same are not compared", header)


def check_sweep(pages):
    """The table of a sweep over three settings is whole on half a screen, too."""
    pages.run("sweep", "--data", "synthetic:100", "--validation", "40", "--hidden", "4", "--epochs", "1", "--force",
              "--grid", "rho=0.05,0.1", "--grid", "beta=1,3", "--grid", "seed=1,2", "--out", "sweep")
    view = pages.look("sweep/report.html")
    header, *rows = view["tables"][0]
    check(len(header) == 11 and header[-1] == "final validation loss", header)
    check("rho=0.05,beta=3,seed=2" in [row[0] for row in rows], rows)
    check(not view["cut"], f"at {WIDE} tables are cut off:", view["cut"])
    pages.browser.open(pages.at("sweep/report.html"), HALF, "light")
    cut = pages.browser.evaluate(LOOK)["cut"]
    check(not cut, f"at {HALF} tables are cut off:", cut)


def check_recipe(pages):
    for name in ("kl", "softmax"):
        shutil.copytree(pages.at(name), pages.at(f"recipe/{name}"), dirs_exist_ok=True)
    pages.put("recipe/recipe.json", {
        "recipe": "both", "title": HOSTILE, "description": "Pretrain, then classify.", "device": "cpu", "seconds": 75,
        "stages": [{"name": "pretrain", "kind": "pretrain", "run": "kl", "seconds": 60},
                   {"name": "softmax on codes", "kind": "classify", "run": "softmax", "seconds": 15},
                   {"name": "lost", "kind": "classify", "run": "lost", "seconds": 0}],
        "tables": [{"title": "Figures", "columns": ["k"] + [f"a long column {i}" for i in range(12)],
                    "rows": [["10"] + ["97.50 % ± 0.12"] * 12, ["25", "98.0%"]], "note": "One seed."}],
        "bars": [{"title": "accuracy " + HOSTILE, "measured": 0.975, "show": "percent", "shown": "97.50 % ± 0.12",
                  "at_least": 0.9833, "reached": False},
                 {"title": "activation", "measured": 0.1, "shown": "0.1", "at_least": 0.085, "at_most": 0.115,
                  "reached": True},
                 {"title": "nothing found", "measured": None, "shown": "–", "at_most": 1, "reached": False}],
        "pictures": [{"title": "Strokes", "file": "kl/weights.png"}, {"title": "secret", "file": "../kl/input.png"}]})
    pages.run("report", "recipe")
    view = pages.look("recipe/report.html")
    check(view["h1"] == [HOSTILE] and view["kicker"] == ["Lacuna · recipe both"], view["h1"], view["kicker"])
    check(view["h2"] == ["Results", "Goals", "Pictures", "Stages", "pretrain", "softmax on codes"], view["h2"])
    check(view["figures"]["Goals"] == "1 of 3", view["figures"])
    check(view["tables"][1] == [["figure", "goal", "measured", "wanted"],
                                ["accuracy " + HOSTILE, "not reached", "97.50 % ± 0.12", "at least 98.33 %"],
                                ["activation", "reached", "0.1", "at least 0.085, at most 0.115"],
                                ["nothing found", "not reached", "–", "at most 1"]], view["tables"][1])
    check(view["goals"] == ["missed", "reached", "missed"], view["goals"])
    check(view["aligned"][0][1] == "right", "figures with a spread stand to the right", view["aligned"][0])
    check(view["figures"]["Device"] == "cpu" and view["figures"]["Time"] == "1 min 15 s", view["figures"])
    check([len(table) for table in view["tables"][:3]] == [3, 4, 4], view["tables"][:3])
    check(len(view["images"]) == 4, view["images"])
    check(len(view["problems"]) == 2, view["problems"])


def check_broken(pages):
    """A directory with nothing whole in it still has a page, which says so."""
    pages.put("broken/metrics.jsonl", "{\"epoch\": 1, \"loss\": 1e400}\nnothing\n")
    for name, content in (("units.json", "{}"), ("evaluation.json", "[1]"), ("config.toml", "a = = 1"),
                          ("weights.png", "no picture")):
        pages.put(f"broken/{name}", content)
    pages.run("report", "broken")
    view = pages.look("broken/report.html")
    named = [name for name in ("metrics.jsonl", "units.json", "evaluation.json", "config.toml", "weights.png")
             if any(name in problem for problem in view["problems"])]
    check(len(named) == 5, view["problems"])
    check(not view["images"], view["images"])


def check_svg(pages):
    grounds = []
    for scheme in ("light", "dark"):
        requests = pages.browser.open(pages.at("kl/loss.svg"), WIDE, scheme)
        check(not requests and not pages.browser.complaints(), requests, pages.browser.complaints())
        pages.browser.screenshot(pages.at(f"loss_{scheme}.png"), whole=False)
        grounds.append(pages.browser.evaluate("getComputedStyle(document.querySelector('.back')).fill"))
        check(pages.browser.evaluate("document.querySelectorAll('.line').length") == 8, "four curves, four in the legend")
    check(grounds[0] != grounds[1], "loss.svg is not dark where dark is wanted", grounds)


def main():
    program, chromium = (os.path.abspath(path) for path in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as temporary:
        directory = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else temporary
        os.makedirs(directory, exist_ok=True)
        browser = Browser(chromium)
        pages = Pages(program, browser, directory)
        common = ("train", "--data", "synthetic:300", "--threads", "1", "--force")
        try:
            pages.run(*common, "--hidden", "36", "--rho", "0.2", "--epochs", "3", "--out", "kl")
            pages.run(*common, "--hidden", "16", "--sparsity", "l1", "--epochs", "2", "--out", "l1")
            classifier(pages, "softmax")
            for look in (check_one_run, check_classifier, check_comparison, check_sweep, check_recipe, check_broken,
                         check_svg):
                look(pages)
        finally:
            browser.close()
    print("report pages: seven looked at, wide and narrow, light and dark")


if __name__ == "__main__":
    main()
