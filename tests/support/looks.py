"""axe-core on a page as it stands, in every look a person can give it: three themes and the largest type.

The whole of the rules runs once; a theme or a type size changes no element and no word, so in the other looks only the rules run that a
colour or a size can break. The look is changed where js/theme.js changes it, on the root element, without loading the page anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from server import pages

if TYPE_CHECKING:
    from aiohttp import web
    from playwright.async_api import Browser, Page

AXE = Path(__file__).resolve().parent.parent / "vendor/axe-core-4.14.1/axe.min.js"
# Everything of WCAG 2.2 at A and AA that axe can judge, and its best practices.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_LOOKS = ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]
LOOKS = [("light", "normal"), ("dark", "normal"), ("contrast", "normal"), ("light", "large")]
_RUN = """async ({tags, ofLooks, looks}) => {
  const root = document.documentElement, before = {theme: root.dataset.theme, size: root.dataset.size}, found = [];
  for (const [number, [theme, size]] of looks.entries()) {
    [root.dataset.theme, root.dataset.size] = [theme, size];
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    const runOnly = number === 0 ? {type: "tag", values: tags} : {type: "rule", values: ofLooks};
    const {violations} = await axe.run(document, {runOnly, resultTypes: ["violations"]});
    for (const one of violations) for (const node of one.nodes) found.push(`${theme}, ${size}: ${one.id}: ${node.failureSummary} :: ${node.html.slice(0, 160)}`);
  }
  Object.assign(root.dataset, before);
  return found;
}"""
_FILES = (pages.static_file, pages.locale_file, pages.kiosk_worker)


def page_routes(app: web.Application) -> dict[str, re.Pattern[str]]:
    """Every page of the application, as its route says it ("/room/{session}"), with the addresses that it answers; in the router's order."""
    found = {}
    for route in app.router.routes():
        ours = route.handler.__module__ == pages.__name__ and route.handler not in _FILES
        if route.method == "GET" and ours and route.resource is not None:
            facts = route.resource.get_info()
            found[route.resource.canonical] = facts.get("pattern") or re.compile(re.escape(str(facts.get("path"))))
    return found


@dataclass(slots=True)
class Looks:
    """What axe complained of, and which pages it has seen. routes: of the application, as page_routes gives them."""

    routes: dict[str, re.Pattern[str]] = field(default_factory=dict)
    complaints: dict[str, list[str]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    async def check(self, page: Page, what: str) -> None:
        """Look at the page as it stands now."""
        lines = await page.evaluate(_RUN, {"tags": TAGS, "ofLooks": OF_LOOKS, "looks": LOOKS})
        if lines:
            self.complaints[what] = lines
        self.seen.add(self.route_of(page.url))

    def assert_clean(self) -> None:
        """Fail with everything that was found, one line each."""
        lines = [f"{what}\n    {line}" for what, found in self.complaints.items() for line in found]
        if lines:
            raise AssertionError(f"axe finds {len(lines)} things:\n" + "\n".join(lines))

    def route_of(self, url: str) -> str:
        """The route that answers this address."""
        path = urlsplit(url).path
        matching = (route for route, pattern in self.routes.items() if pattern.fullmatch(path))
        return next(matching, "none: " + path)


async def looked_at(browser: Browser, language: str, width: int, height: int) -> Page:
    """A page of somebody's own that axe can be run in, past the content security policy."""
    context = await browser.new_context(
        locale=language,
        viewport={"width": width, "height": height},
        bypass_csp=True,
        permissions=["camera", "microphone"],
        reduced_motion="reduce",
    )
    await context.add_init_script(path=AXE)
    return await context.new_page()
