"""Static files over HTTP: kept for ever below this build's path, asked about each time anywhere else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from server.keys import TEMPLATES
from tests.support.hall import seeded, staff

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.test_utils import TestClient

    from server.db import Pool

    Client = TestClient[Any, Any]

FOR_EVER = "public, max-age=31536000, immutable"


async def test_only_this_build_is_kept_for_ever(client: Client, app: web.Application) -> None:
    build = app[TEMPLATES].static.build
    kept = {}
    for prefix in (f"/static/{build}", "/static/0123456789ab", "/static"):
        answer = await client.get(f"{prefix}/js/theme.js")
        kept[prefix] = answer.headers["Cache-Control"]
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
        again = await client.get(f"{prefix}/js/theme.js", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status == 304

    assert list(kept.values()) == [FOR_EVER, "no-cache", "no-cache"]
    assert (await client.get("/kiosk/worker.js")).headers["Cache-Control"] == "no-cache"
    for rest in ("%2e%2e/%2e%2e/templates/base.html", "js", "js/none.js", ""):
        assert (await client.get(f"/static/{build}/{rest}")).status == 404, rest


async def test_a_page_is_of_one_build_and_names_its_scripts_beforehand(client: Client, db: Pool) -> None:
    desk = await staff(client, db, await seeded(db), "li.wanqing")
    text = await (await desk.get("/desk")).text()
    assert re.search(r'modulepreload" href="[^"]+/js/scenes/desk/line.js">', text)
    assert re.search(
        r'modulepreload" href="[^"]+/js/call/peer.js" fetchpriority="low">', text
    )  # of the room, for later
    urls = set(re.findall(r'"(/static/[^"]+)"', text))

    assert urls
    assert len({url.split("/")[2] for url in urls}) == 1
    for url in sorted(urls):
        answer = await client.get(url)
        assert (answer.status, answer.headers["Cache-Control"]) == (200, FOR_EVER), url
