#!/usr/bin/env python3
"""Reports in a real browser, Debian's chromium, opened from the file system: reading, filters, keys, links, plants, rows
beside the page, two runs, paper, without JavaScript, at three widths, and what axe-core finds (build/node has it in CI)."""

import base64
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
sys.path.append("/usr/lib/python3/dist-packages")       # Debian's python3-selenium, where another Python is first
import host
import tap

try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    tap.skip_all("python3-selenium is not here")
if not shutil.which("chromium") or not shutil.which("chromedriver"):
    tap.skip_all("chromium and chromium-driver are not here")

AXE = host.ROOT / "build/node/node_modules/axe-core/axe.min.js"
PLANT = ("</script><script>window.planted=1</script><img src=x onerror='window.planted=1'><svg onload='window.planted=1'>"
         "[click](javascript:window.planted=1) **bold** `code`\u202egnip\u200b\0")


def pairs(count, plant=""):
    return [{"id": f"row{i}", "prompt": f"Question {i} {plant}", "response_a": "one two three " * (i % 7 + 1) + plant,
             "response_b": "one two four " * (i % 5 + 1), "human": ["a", "b", "tie"][i % 3]} for i in range(count)]


class Page:
    def __init__(self, javascript=True):
        options = webdriver.ChromeOptions()
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"):
            options.add_argument(word)
        if not javascript:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.binary_location = shutil.which("chromium")
        from selenium.webdriver.chrome.service import Service
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def open(self, path, fragment="", ready=True):
        self.driver.get("about:blank")
        self.driver.get(path.absolute().as_uri() + fragment)
        if ready:
            self.until("document.documentElement.hasAttribute('data-ready')")

    def js(self, text, *arguments):
        return self.driver.execute_script("return " + text, *arguments)

    def until(self, condition):
        WebDriverWait(self.driver, 60).until(lambda _: self.js(condition))

    def choose(self, name, value):
        self.driver.execute_script("const f = document.getElementById('filter-' + arguments[0]); f.value = arguments[1];"
                                   "f.dispatchEvent(new Event(f.tagName === 'SELECT' ? 'change' : 'input'))", name, value)

    def ids(self):
        return self.js("[...document.querySelectorAll('#list tbody tr')].map(r => r.cells[1].textContent)")

    def status(self):
        return self.js("document.getElementById('status').textContent")

    def title(self):
        return self.js("document.getElementById('row-title')?.textContent")

    def width(self, width):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})

    def scheme(self, name):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})

    def serious(self):
        self.driver.execute_script(AXE.read_text("utf-8"))
        found = self.driver.execute_async_script("const done = arguments[0]; axe.run(document).then(r => done(r.violations"
            ".filter(v => v.impact === 'serious' || v.impact === 'critical').map(v => v.id + ': ' + v.nodes[0].html)))")
        return found


def runs(scratch):
    scratch.write("pairs.jsonl", pairs(60))
    scratch.run("run", "evaluate", "--data", "pairs.jsonl", "--method", "jury", "--model", "sim:one", "--model", "sim:two", "--swap", "--out", "ev")
    scratch.write("hostile.jsonl", pairs(3, PLANT) + [{"id": "long", "prompt": "x" * (1 << 20), "response_a": "y " * (1 << 19), "response_b": "z"}])
    scratch.run("run", "judge", "--data", "hostile.jsonl", "--model", "sim:one", "--out", "hostile")
    scratch.write("many.jsonl", pairs(1201))
    scratch.run("run", "judge", "--data", "many.jsonl", "--model", "sim:one", "--out", "many")
    scratch.run("run", "judge", "--data", "pairs.jsonl", "--model", "sim:one", "--out", "x")
    scratch.run("run", "judge", "--data", "pairs.jsonl", "--model", "sim:two", "--out", "y")
    scratch.run("report", "x", "y", "--out", "both.html")
    scratch.write("prompts.jsonl", [{"id": i, "prompt": f"Question {i}"} for i in range(8)])
    scratch.run("run", "preference", "--data", "prompts.jsonl", "--generator", "sim:g", "--reviewer", "sim:r", "--judge", "sim:j", "--out", "pref")
    scratch.run("run", "preference", "--data", "prompts.jsonl", "--generator", "sim:g", "--generator", "sim:h", "--rank", "rubric", "--rubric",
                "ultrafeedback", "--judge", "sim:j", "--out", "scored")


def reading(page, scratch):
    page.open(scratch / "ev/report.html")
    tap.equal((len(page.ids()), page.status()), (50, "60 of 60 rows; page 1 of 2"), "the list shows a page of rows")
    page.driver.find_element(By.ID, "after").click()
    tap.equal(page.ids()[0], "row50", "the next page follows")
    page.driver.find_element(By.CSS_SELECTOR, "[data-sort=id]").click()
    tap.equal(page.ids()[:3], sorted(f"row{i}" for i in range(60))[:3], "sorted by id")
    page.driver.find_element(By.CSS_SELECTOR, "[data-sort=id]").click()
    tap.equal(page.ids()[0], "row9", "and the other way round")
    tap.equal(page.js("document.querySelector('th[aria-sort]').getAttribute('aria-sort')"), "descending", "which is told to who does not see it")
    verdicts = host.jsonl(scratch / "ev/verdicts.jsonl")
    flipped = {v["id"] for v in verdicts if v["flipped"]}
    page.choose("state", "flip")
    tap.contains(page.status(), f"{len(flipped)} of 60", "filtered by verdicts that flip")
    page.choose("state", "")
    wins = {v["id"] for v in verdicts if v["winner"] == "a" and v["models"] == ["sim:two"]}
    page.choose("evaluator", "1")
    page.choose("winner", "a")
    tap.contains(page.status(), f"{len(wins)} of 60", "by the winner of one evaluator")
    page.choose("evaluator", "")
    page.choose("winner", "")
    page.choose("text", "question 17")
    tap.equal(page.ids(), ["row17"], "by a text")
    page.choose("text", "three three")
    page.driver.find_element(By.ID, "everywhere").click()
    page.until("document.getElementById('status').textContent.startsWith('0 of')")
    page.choose("text", "")
    page.open(scratch / "ev/report.html", "#row=17")
    page.until("document.getElementById('row-title')")
    tap.contains(page.title(), "id row17", "a link leads to its row")
    tap.ok(page.js("document.querySelectorAll('del').length > 0 && document.querySelectorAll('ins').length > 0"), "the differences are marked")
    page.driver.find_element(By.TAG_NAME, "body").send_keys("j")
    page.until("document.getElementById('row-title').textContent.includes('row18')")
    page.driver.find_element(By.TAG_NAME, "body").send_keys("k")
    page.until("document.getElementById('row-title').textContent.includes('row17')")
    tap.ok(True, "j and k go to the next and the previous")
    page.driver.find_element(By.TAG_NAME, "body").send_keys("/")
    tap.equal(page.js("document.activeElement.id"), "filter-text", "/ goes to the search")


def plants(page, scratch):
    for row in range(3):
        page.open(scratch / "hostile/report.html", f"#row={row}")
        page.until("document.getElementById('row-title')")
        tap.equal(page.js("window.planted === undefined && !document.querySelector('img') && !document.querySelector('#row svg, #list svg')"), True, f"row {row}: nothing runs")
        tap.equal(page.js("[...document.querySelectorAll('a')].filter(a => !a.getAttribute('href').startsWith('#')).length"), 0, "and no link leaves")
    tap.contains(page.js("document.getElementById('row').textContent"), ["⟨202E⟩", "⟨200B⟩", "⟨0000⟩"], "what hides is shown")
    page.open(scratch / "hostile/report.html", "#row=3")
    page.until("document.getElementById('row-title')")
    tap.ok(page.js("document.getElementById('row').textContent.length < 100000"), "a megabyte is not shown at once")
    page.js("[...document.querySelectorAll('#row button')].find(b => b.textContent.startsWith('Show all')).click()")
    tap.ok(page.js("document.getElementById('row').textContent.length > 1000000"), "but when it is asked for")
    blocked = page.js("(() => { const d = document.createElement('div'); d.innerHTML = '<img src=x onerror=\"window.planted=1\">'; document.body.append(d); return true })()")
    page.driver.implicitly_wait(0)
    tap.equal((blocked, page.js("window.planted === undefined")), (True, True), "the policy stops handlers even in markup")


def beside(page, scratch):
    page.open(scratch / "many/report.html")
    tap.contains(page.status(), "1,201 of 1,201 rows", "the list is loaded from beside the page")
    page.open(scratch / "many/report.html", "#row=1100")
    page.until("document.getElementById('row-title')")
    tap.contains(page.title(), "row1100", "and a row of the third file")
    page.driver.find_element(By.CSS_SELECTOR, "[data-sort=margin]").click()
    page.driver.find_element(By.CSS_SELECTOR, "[data-sort=margin]").click()
    margins = page.js("[...document.querySelectorAll('#list tbody tr')].map(r => Number(r.cells[4].textContent))")
    tap.equal(margins, sorted(margins, reverse=True), "sorted by margin")
    errors = [entry["message"] for entry in page.driver.get_log("browser") if entry["level"] == "SEVERE" and "img" not in entry["message"] and "inline event handler" not in entry["message"]]
    tap.equal(errors, [], "the browser has nothing to complain of")


def two_runs(page, scratch):
    page.open(scratch / "both.html")
    first, second = ({v["id"]: v["winner"] for v in host.jsonl(scratch / f"{name}/verdicts.jsonl")} for name in "xy")
    turned = [key for key in first if first[key] != second[key]]
    page.choose("state", "turned")
    tap.contains(page.status(), f"{len(turned)} of 60", "the rows whose verdict turned")
    page.driver.find_element(By.CSS_SELECTOR, "#list tbody a").click()
    page.until("document.getElementById('row-title')")
    tap.contains(page.js("document.getElementById('row').textContent"), ["x: judge sim:one", "y: judge sim:two"], "both runs' words stand below each other")


EVERY = {  # script: what it takes besides rows of pairs
    "judge": ["--model", "sim:one"], "jury": ["--model", "sim:one", "--model", "sim:two"], "debate": ["--model", "sim:one"],
    "feedback": ["--generator", "sim:g", "--reviewer", "sim:r"], "generate": ["--model", "sim:one"],
    "winrate": ["--against", "few.jsonl", "--evaluator", "judge", "--model", "sim:one"]}


def scores(page, scratch):
    """A row of a ranking by scores: who wrote each response, its score, and the values of the criteria."""
    page.open(scratch / "scored/report.html", "#row=3")
    page.until("document.getElementById('row-title')")
    shown = page.driver.find_element(By.ID, "row").text
    rows = [row for row in host.jsonl(scratch / "scored/scores.jsonl") if row["id"] == 3]
    tap.contains(shown, ["response 1, sim:g", "response 2, sim:h", *(f"score {row['score']:g}" for row in rows)], "scores beside the responses")
    tap.contains(shown, [f"{each['name']}: {each['value']}" for row in rows for each in row["criteria"]], "and what each criterion says")


def every_script(page, scratch):
    """The page of each script opens, lists its rows, shows one, and makes the browser complain of nothing."""
    scratch.write("few.jsonl", [{**row, "response": row["response_a"]} for row in pairs(6)])
    for name, more in EVERY.items():
        result = scratch.run("run", name, "--data", "few.jsonl", *more, "--out", f"each-{name}")
        if not (scratch / f"each-{name}/report.html").exists():
            tap.ok(False, f"{name}: a page", result.err)
            continue
        page.driver.get_log("browser")
        page.open(scratch / f"each-{name}/report.html", "#row=2")
        page.until("document.getElementById('row-title')")
        tap.contains(page.status(), "6 of 6 rows", f"{name}: its rows are listed")
        tap.contains(page.js("document.getElementById('row').textContent"), "Question", f"{name}: a row is shown")
        complaints = [entry["message"] for entry in page.driver.get_log("browser") if entry["level"] == "SEVERE"]
        tap.equal(complaints, [], f"{name}: the browser has nothing to complain of")


def widths(page, scratch):
    for out in ("ev", "pref"):
        for width in (360, 1280, 3840):
            page.width(width)
            page.open(scratch / out / "report.html", "#row=1")
            page.until("document.getElementById('row-title')")
            tap.ok(page.js("document.documentElement.scrollWidth <= innerWidth"), f"{out} at {width}: the page is not wider than its window")
        for scheme in ("light", "dark"):
            page.width(1280)
            page.scheme(scheme)
            page.open(scratch / out / "report.html", "#row=1")
            page.until("document.getElementById('row-title')")
            if AXE.exists():
                tap.equal(page.serious(), [], f"{out}, {scheme}: axe-core finds nothing serious")
            else:
                tap.skip(f"{out}, {scheme}: axe-core", "build/node has none")
    printed = base64.b64decode(page.driver.execute_cdp_cmd("Page.printToPDF", {})["data"])
    tap.equal(printed[:5], b"%PDF-", "it prints")


def in_a_browser():
    with host.Scratch() as scratch:
        runs(scratch)
        with Page() as page:
            for case in (reading, plants, beside, two_runs, scores, every_script, widths):
                tap.diag(case.__name__)
                case(page, scratch)
        with Page(javascript=False) as page:
            page.open(scratch / "ev/report.html", ready=False)
            body = page.driver.find_element(By.TAG_NAME, "body").text
            tap.contains(body, ["Agreement with the human labels", "needs JavaScript"], "without JavaScript: figures, tables, and what is missing")
            tap.ok(len(page.driver.find_elements(By.TAG_NAME, "svg")) > 3, "the figures are drawn")


host.need_program()
tap.cases(in_a_browser)
