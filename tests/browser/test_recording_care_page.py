"""The buttons of a recording's care, pressed: a part hidden, a hold and its release, two people who destroy, and the certificate in hand."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import Browser, Page, expect

from media.record.packs.proofs import read_signature
from server.sessions.recording import SESSION_KEY
from tests.support.hall import City, Visitor, kiosk, seeded, staff, utc_now
from tests.support.held_session import hold_session
from tests.support.looks import Looks, page_routes
from tests.support.signed_page import DESK, PHONE, opened, seen

if TYPE_CHECKING:
    from server.db import Pool

WHY = "保管期限已过，当事人均已收到公证书"


async def fits(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def due_session(client: Any, db: Pool, city: City) -> str:
    """A notarial session of eleven years ago, with its key and nothing else."""
    api, visitor = kiosk(client, city, "liuyin")
    await visitor.send("POST", f"{api}/tickets", {"service": "notarization", "request_key": "press-0001"})
    notary = await staff(client, db, city, "li.wanqing")
    session: str = (await (await notary.send("POST", "/api/desk/call-next", {})).json())["session"]
    async with db.acquire() as conn, conn.transaction():
        await client.app[SESSION_KEY](conn, session)
    await notary.send("POST", f"/api/sessions/{session}/end", {"reason": "completed"})
    then = utc_now() - dt.timedelta(days=11 * 366)
    await db.execute("update session set opened_at = $2, live_at = null, ended_at = $2 where id = $1", session, then)
    return session


async def somebody(client: Any, db: Pool, city: City, role: str) -> Visitor:
    name = await db.fetchval(
        "select p.user_name from person p join role_grant r on r.person_id = p.id where r.role = $1 order by 1", role
    )
    return await staff(client, db, city, name)


async def give_reason(page: Page, looks: Looks, what: str, reason: str) -> None:
    """In the dialog: nothing first, which is refused in words, then the reason."""
    await page.get_by_test_id("confirm-reason").click()
    await page.get_by_role("alert").wait_for()
    await looks.check(page, what)
    await page.get_by_test_id("reason").fill(reason)
    await seen(page, f"care-{what}", whole=False)
    await fits(page)
    await page.get_by_test_id("confirm-reason").click()
    await expect(page.get_by_test_id("reason")).to_have_count(0)


async def test_two_people_destroy_a_recording_that_was_held_before_and_keep_its_certificate(
    client: Any, db: Pool, chromium: Browser, tmp_path: Path
) -> None:
    city = await seeded(db)
    session = await due_session(client, db, city)
    looks = Looks(page_routes(client.app))
    first = await opened(chromium, client, await somebody(client, db, city, "coordinator"), "/recordings", PHONE)

    await first.get_by_test_id("show-due").click()
    await first.get_by_test_id("hold-recording").click()
    await give_reason(first, looks, "hold", "法院调取")
    await first.get_by_test_id("show-held").click()
    await first.get_by_test_id("release-recording").wait_for()
    assert await first.get_by_test_id("destroy-recording").count() == 0
    await first.get_by_test_id("release-recording").click()
    await first.get_by_test_id("confirm-release").wait_for()
    await looks.check(first, "release")
    await seen(first, "care-release", whole=False)
    await first.get_by_test_id("confirm-release").click()
    await first.get_by_test_id("show-due").click()
    await first.get_by_test_id("destroy-recording").click()
    await give_reason(first, looks, "destroy", WHY)
    # Who asked does not agree with himself.
    await expect(first.get_by_text(WHY)).to_be_visible()
    assert await first.get_by_test_id("destroy-recording").count() == 0
    await fits(first)
    await seen(first, "care-asked-phone", whole=False)

    second = await opened(chromium, client, await somebody(client, db, city, "administrator"), "/recordings", DESK)
    await expect(second.get_by_text(WHY)).to_be_visible()
    await looks.check(second, "asked")
    await seen(second, "care-asked-desk", whole=False)
    await second.get_by_test_id("destroy-recording").click()
    await give_reason(second, looks, "agree", "同意")

    await second.get_by_test_id("certificate-recording").click()
    assert await db.fetchval("select wrapped_key from recording where session_id = $1", session) is None
    dialog = second.get_by_test_id("certificate-dialog")
    await dialog.get_by_role("link").first.wait_for()
    await looks.check(second, "certificate")
    await seen(second, "care-certificate-desk", whole=False)
    paper, signature = [await saved(second, number, tmp_path) for number in range(2)]
    assert read_signature(signature, paper).name == "Laizuo trial signer"
    assert json.loads(paper)["session"] == session
    await second.set_viewport_size(PHONE)  # type: ignore[arg-type]
    await fits(second)
    await looks.check(second, "certificate on a phone")
    await seen(second, "care-certificate-phone", whole=False)
    looks.assert_clean()


async def saved(page: Page, number: int, folder: Path) -> bytes:
    """The file behind a link of the certificate, as the browser saves it."""
    async with page.expect_download() as download:
        await page.get_by_test_id("certificate-dialog").get_by_role("link").nth(number).click()
    path = folder / f"certificate-{number}"
    await (await download.value).save_as(path)
    return path.read_bytes()


async def test_a_part_is_hidden_with_its_cause_by_who_led_the_session(client: Any, db: Pool, chromium: Browser) -> None:
    held = await hold_session(client, db, await seeded(db), 6.0)
    looks = Looks(page_routes(client.app))
    page = await opened(chromium, client, held.notary, f"/sessions/{held.id}", PHONE)

    await page.get_by_test_id("hide-part").click()
    await page.get_by_test_id("hide-from").fill("0:02")
    await page.get_by_test_id("hide-to").fill("0:01")
    await page.get_by_test_id("hide-cause").fill("画面上出现了身份证号码")
    await page.get_by_test_id("confirm-hide").click()
    await page.get_by_role("alert").wait_for()
    await looks.check(page, "hide")
    await fits(page)
    await seen(page, "hide-phone", whole=False)
    await page.set_viewport_size(DESK)  # type: ignore[arg-type]
    await seen(page, "hide-desk", whole=False)
    await page.get_by_test_id("hide-from").fill("0:01")
    await page.get_by_test_id("hide-to").fill("0:02.5")
    await page.get_by_test_id("hide-source").select_option("face")
    await page.get_by_test_id("confirm-hide").click()
    await expect(page.get_by_test_id("hide-dialog")).to_have_count(0)

    row = await db.fetchrow("select * from hidden_part where session_id = $1", held.id)
    assert (row["to_us"] - row["from_us"], row["source"], row["cause"]) == (1_500_000, "face", "画面上出现了身份证号码")
    await held.is_ready()
    await page.reload()
    await page.get_by_test_id("player").wait_for()
    await page.locator(".review-gaps summary").click()
    await page.get_by_text("画面上出现了身份证号码").first.wait_for()
    gap, bar = [await page.get_by_test_id(name).first.bounding_box() for name in ("timeline-gap", "timeline")]
    assert gap
    assert bar
    assert bar["x"] <= gap["x"] < gap["x"] + gap["width"] <= bar["x"] + bar["width"] + 1
    await looks.check(page, "hidden")
    await seen(page, "hidden-desk", whole=False)
    looks.assert_clean()
