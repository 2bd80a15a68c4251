#!/usr/bin/python3
"""Follows the finished site in Chromium: from home to the last page by its own links, a search, the theme, a phone.

site/browser_test.py                   the test
site/browser_test.py --pictures DIR    screenshots of every page in the contents, three widths, light and dark
"""

import re
import sys
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

BUILD = Path(__file__).resolve().parent / "build"
HOME = (BUILD / "index.html").as_uri()
WIDTHS = (390, 1024, 1600)

# The contrast of each piece of text against what is behind it, where that is less than AA asks for.
CONTRAST = """
const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
const linear = v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const luminance = ([r, g, b]) => [r, g, b].map(v => linear(v / 255))
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const behind = element => {
  for (let e = element; e; e = e.parentElement) {
    const colour = parse(getComputedStyle(e).backgroundColor);
    if (colour.length && (colour.length < 4 || colour[3] > 0.5)) return colour;
  }
  return [255, 255, 255];
};
const faint = new Map();
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node; (node = walk.nextNode());) {
  const element = node.parentElement;
  if (!node.textContent.trim() || !element.getClientRects().length) continue;
  if (element.closest('script, style, .katex-mathml')) continue;
  const style = getComputedStyle(element);
  if (style.visibility === 'hidden' || Number(style.opacity) === 0) continue;
  const a = luminance(parse(style.color)), b = luminance(behind(element));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio >= (large ? 3 : 4.5)) continue;
  const where = `${element.tagName}.${element.className} ${style.color} on ${behind(element)}`;
  faint.set(where, ratio.toFixed(2) + ' ' + node.textContent.trim().slice(0, 30));
}
return [...faint].map(([where, what]) => where + ': ' + what);
"""


def open_browser():
    options = webdriver.ChromeOptions()
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--allow-file-access-from-files",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--hide-scrollbars",
        "--force-device-scale-factor=1",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


class Visit:
    """One browser, and what was found wrong with it."""

    def __init__(self):
        self.browser, self.wrong = open_browser(), []

    def expect(self, fact, what):
        if not fact:
            self.wrong.append(f"{Path(self.browser.current_url.split('#')[0]).name}: {what}")

    def size(self, width, height=900):
        self.width = width
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
        )

    def theme(self, name):
        self.browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]}
        )

    def look(self, colours=True):
        """What must hold of any page, in whatever size and theme it is shown."""
        run = self.browser.execute_script
        for entry in self.browser.get_log("browser"):
            self.wrong.append(f"console: {entry['message']}")
        wide = max(run("return document.documentElement.scrollWidth"), run("return innerWidth"))
        self.expect(wide <= self.width, f"is {wide} pixels wide at {self.width}")
        for line in run(CONTRAST) if colours else ():
            self.expect(False, f"contrast at {self.width}: {line}")
        self.expect(run("return [...document.images].every(i => i.alt.length > 7)"), "a picture without words")
        self.expect(
            run("return [...document.images].every(i => !i.complete || i.naturalWidth > 0)"),
            "a picture that does not load",
        )
        words = run("return [...document.querySelectorAll('p, li')].map(p => p.textContent).join(' ')")
        self.expect(not re.search(r"\\\(|\\\[[^0-9]|\\f\$", words), "a formula that is not set")

    def dark(self):
        return (
            self.browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(20, 25, 31)"
        )

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)


def follow(visit):
    """From home to the last page of the contents, by the link to the next page alone."""
    browser = visit.browser
    browser.get(HOME)
    listed = [link.get_attribute("href") for link in browser.find_elements(By.CSS_SELECTOR, "#contents a")]
    seen = []
    while True:
        seen.append(browser.current_url)
        for width in WIDTHS:
            for theme in ("light", "dark"):
                visit.size(width)
                visit.theme(theme)
                visit.look()
        visit.size(1024)
        onward = browser.find_elements(By.CSS_SELECTOR, ".neighbours .next")
        if not onward:
            break
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", onward[0])
        onward[0].click()
    visit.expect(seen == listed, f"the path has {len(seen)} pages, the contents {len(listed)}")
    visit.expect("group__room__datasets" in seen[-1], "the path does not end with the reference")


def others(visit):
    """The pages that are not in the contents: headers, classes, sources."""
    listed = {
        Path(link.get_attribute("href")).name for link in visit.browser.find_elements(By.CSS_SELECTOR, "#contents a")
    }
    for width, theme in ((390, "light"), (1024, "dark")):
        visit.size(width)
        visit.theme(theme)
        sources = sorted(BUILD.glob("*_source.html"))[::10]  # which are all made alike
        for page in sorted(set(BUILD.glob("*.html")) - set(BUILD.glob("*_source.html"))) + sources:
            if page.name not in listed:
                visit.browser.get(page.as_uri())
                visit.look(colours=not page.stem.endswith("_source"))


def search(visit):
    browser = visit.browser
    cases = [
        ("before the tape", "start.html#"),
        ("vanish", "penguins.html#"),
        ("binary_cross_entropy_with_logits", "group__ops__losses.html#"),
        ("Frechet", "penguins.html"),
        ("fake_logits generated", "penguins.html"),
        ("mse 0.0080", "snowflakes.html"),
    ]
    for words, wanted in cases:
        browser.get(HOME)
        visit.find("#search").send_keys(words)
        found = [link.get_attribute("href") for link in browser.find_elements(By.CSS_SELECTOR, "#found a")]
        visit.expect(
            any(wanted in link for link in found[:5]), f"a search for '{words}' finds {found[:5]}, not {wanted}"
        )
    visit.find("#search").clear()
    visit.find("#search").send_keys("already answered" + Keys.ENTER)
    visit.expect(browser.current_url != HOME, "the enter key opens no result")
    browser.get(HOME)
    browser.find_element(By.TAG_NAME, "body").send_keys("/")
    visit.expect(
        browser.switch_to.active_element.get_attribute("id") == "search", "the / key does not lead to the search"
    )
    visit.find("#search").send_keys("xyzzy")
    visit.expect("Nothing" in visit.find("#found").text, "nothing is found, and nothing is said")


def themes(visit):
    visit.theme("light")
    visit.browser.get(HOME)
    visit.expect(not visit.dark(), "is dark where the system is light")
    visit.find(".theme").click()
    visit.expect(visit.dark(), "the button does not make it dark")
    visit.browser.get(HOME.replace("index", "penguins"))
    visit.expect(visit.dark(), "the next page has forgotten the theme")
    visit.find(".theme").click()
    visit.expect(not visit.dark(), "the button does not make it light again")


def phone(visit):
    visit.size(390)
    visit.browser.get(HOME)
    contents = visit.find("#contents")
    visit.expect(not contents.is_displayed(), "the contents cover a phone")
    visit.find(".menu").click()
    WebDriverWait(visit.browser, 3).until(lambda browser: contents.is_displayed())
    visit.browser.find_element(By.LINK_TEXT, "Snowflakes").click()
    visit.expect("snowflakes.html" in visit.browser.current_url, "the contents lead nowhere")


def copying(visit):
    visit.size(1024)
    visit.browser.get(HOME.replace("index", "start"))
    visit.browser.execute_cdp_cmd(
        "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    )
    block = visit.browser.find_elements(By.CSS_SELECTOR, ".block")[2]
    button = block.find_element(By.CSS_SELECTOR, ".copy")
    visit.browser.execute_script(
        "arguments[0].scrollIntoView({block: 'center'}); arguments[0].focus(); arguments[0].click()", button
    )
    copied = visit.browser.execute_async_script(
        "navigator.clipboard.readText().then(arguments[0], error => arguments[0](String(error)))"
    )
    visit.expect(copied.startswith("struct Flowers {\n  Tensor measured;"), f"copies {copied[:60]!r}")


def pictures(folder):
    visit = Visit()
    folder.mkdir(parents=True, exist_ok=True)
    visit.browser.get(HOME)
    names = [
        Path(link.get_attribute("href")).stem for link in visit.browser.find_elements(By.CSS_SELECTOR, "#contents a")
    ]
    for name in sys.argv[3:] or names:
        visit.browser.get(HOME.replace("index", name))
        for width in WIDTHS:
            for theme in ("light", "dark"):
                visit.size(width)
                visit.theme(theme)
                height = visit.browser.execute_script("return document.documentElement.scrollHeight")
                visit.size(width, min(height, 16000))
                visit.browser.save_screenshot(str(folder / f"{name}-{width}-{theme}.png"))
    visit.browser.quit()


def main():
    if sys.argv[1:2] == ["--pictures"]:
        return pictures(Path(sys.argv[2]))
    visit = Visit()
    try:
        for part in (follow, others, search, themes, phone, copying):
            part(visit)
    finally:
        visit.browser.quit()
    for line in dict.fromkeys(visit.wrong):
        print(line)
    print(f"{len(set(visit.wrong))} faults")
    return sys.exit(bool(visit.wrong))


main()
