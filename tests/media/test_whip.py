"""A real encoder and a real hall screen (aiortc) in a room of ours, over HTTP and real sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from server.sessions.recording import SESSION_KEY
from tests.support.eventually import eventually
from tests.support.journal_events import journal_events
from tests.support.media_worker import RunningWorker, running_worker
from tests.support.room_page import RoomPage, person
from tests.support.room_web import running_web, with_workers
from tests.support.rtc_device import Device
from tests.support.running_session import admit_beforehand, invite, run_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser

    from server.config import Settings
    from server.db import Pool


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[RunningWorker]:
    async with running_worker(tmp_path) as running:
        yield running


async def test_an_encoder_is_admitted_seen_on_a_screen_recorded_and_removed(
    settings: Settings, db: Pool, worker: RunningWorker
) -> None:
    session = await run_session(db, "notarization")
    for name, role in (("c", "site_worker"), ("d", "site_worker")):
        await invite(db, session, name, role, name)
    await admit_beforehand(db, session, "d")
    async with running_web(with_workers(settings, {"w0": worker.control})) as client:
        assert client.app is not None
        async with db.acquire() as conn:
            key = await client.app[SESSION_KEY](conn, session.session_id)
        leader = await RoomPage.joined(client, session.tokens["a"], media=False)
        encoder = Device(client, session.tokens["c"], "whip")
        screen = Device(client, session.tokens["d"], "whep")
        again = Device(client, session.tokens["c"], "whip")
        try:
            assert await screen.begin() == 201
            coming = asyncio.create_task(encoder.begin())
            await leader.hears("person", person(session.seats["c"], state="waiting"))
            await leader.say({"type": "admit", "seat": session.seats["c"]})
            assert await coming == 201

            await eventually(screen.sees_green)
            await eventually(lambda: None if screen.sounds > 20 else f"{screen.sounds} sounds")
            await leader.hears("person", person(session.seats["c"], state="connected"))

            await leader.say({"type": "remove", "seat": session.seats["c"]})
            await leader.hears("person", person(session.seats["c"], state="removed"))
            assert await encoder.end() == 404
            assert await again.begin() == 403
            assert await screen.end() == 200
        finally:
            await asyncio.gather(encoder.close(), screen.close(), again.close())
        await leader.say({"type": "end", "reason": "completed"})
        await leader.hears("closed")
        await leader.close()
    told = journal_events(settings.data / "journals" / session.session_id / session.room_id, key)
    streams = {(event["seat"], event["data"]["source"]) for event in told if event["kind"] == "stream"}
    assert streams == {(session.seats["c"], "voice"), (session.seats["c"], "face")}


SCREEN = """async ({kind, token}) => {
  const screen = window.screen_ = new RTCPeerConnection();
  screen.addTransceiver("audio", {direction: "recvonly"});
  screen.addTransceiver("video", {direction: "recvonly"});
  await screen.setLocalDescription();
  const headers = {"Content-Type": "application/sdp", "Authorization": `Bearer ${token}`};
  const answer = await fetch(`/api/${kind}`, {method: "POST", headers, body: screen.localDescription.sdp});
  if (answer.status === 201) await screen.setRemoteDescription({type: "answer", sdp: await answer.text()});
  return [answer.status, answer.headers.get("Location")];
}"""
DECODED = """async () => {
  const stats = [...(await window.screen_.getStats()).values()].filter((one) => one.type === "inbound-rtp");
  return stats.find((one) => one.kind === "video")?.framesDecoded ?? 0;
}"""
RESTART = """async ({place, token}) => {
  const offer = await window.screen_.createOffer({iceRestart: true});
  await window.screen_.setLocalDescription(offer);
  const keys = offer.sdp.match(/a=ice-(ufrag|pwd):.*/g).slice(0, 2).join("\\r\\n") + "\\r\\n";
  const headers = {"Content-Type": "application/trickle-ice-sdpfrag", "Authorization": `Bearer ${token}`, "If-Match": "*"};
  const answer = await fetch(place, {method: "PATCH", headers, body: keys});
  const fresh = (await answer.text()).match(/a=ice-(ufrag|pwd):.*/g);
  const before = window.screen_.remoteDescription.sdp;
  const sdp = before.replace(/a=ice-ufrag:.*/g, fresh[0]).replace(/a=ice-pwd:.*/g, fresh[1]);
  await window.screen_.setRemoteDescription({type: "answer", sdp});
  return answer.status;
}"""


async def test_a_browser_on_the_wall_sees_an_encoder_and_goes_on_after_an_ice_restart(
    settings: Settings, db: Pool, worker: RunningWorker, chromium: Browser
) -> None:
    session = await run_session(db)
    for name in ("c", "d"):
        await invite(db, session, name, "site_worker", name)
        await admit_beforehand(db, session, name)
    async with running_web(with_workers(settings, {"w0": worker.control})) as client:
        encoder, token = Device(client, session.tokens["c"], "whip"), session.tokens["d"]
        page = await chromium.new_page()
        try:
            assert await encoder.begin() == 201
            await page.goto(str(client.make_url("/healthz")))
            status, place = await page.evaluate(SCREEN, {"kind": "whep", "token": token})
            assert status == 201

            async def too_few(than: int) -> str | None:
                decoded = await page.evaluate(DECODED)
                return None if decoded > than else f"{decoded} frames decoded"

            await eventually(lambda: too_few(10))
            assert await page.evaluate(RESTART, {"place": place, "token": token}) == 200
            seen = await page.evaluate(DECODED)
            await eventually(lambda: too_few(seen + 20))
            assert await page.evaluate("window.screen_.iceConnectionState") in ("connected", "completed")
        finally:
            await page.close()
            await encoder.close()


async def test_a_device_and_its_resource_go_on_when_the_web_process_is_another(
    settings: Settings, db: Pool, worker: RunningWorker
) -> None:
    session = await run_session(db)
    for name in ("c", "d"):
        await invite(db, session, name, "site_worker", name)
        await admit_beforehand(db, session, name)
    linked = with_workers(settings, {"w0": worker.control})
    async with running_web(linked) as before:
        encoder, screen = Device(before, session.tokens["c"], "whip"), Device(before, session.tokens["d"], "whep")
        assert [await encoder.begin(), await screen.begin()] == [201, 201]
        await eventually(screen.sees_green)
    try:
        async with running_web(linked) as after:
            encoder.client = screen.client = after
            leader = await RoomPage.joined(after, session.tokens["a"], media=False)
            people = {person["seat"]: person["state"] for person in leader.heard[0]["people"]}
            assert [people[session.seats[name]] for name in ("c", "d")] == ["connected", "connected"]

            assert await encoder.restart() == 200
            seen = len(screen.pictures)
            await eventually(
                lambda: None if len(screen.pictures) > seen + 5 else screen.sees_green() or "no new picture"
            )
            assert [await encoder.end(), await encoder.end()] == [200, 404]
            await leader.say({"type": "remove", "seat": session.seats["d"]})
            await leader.hears("person", person(session.seats["d"], state="removed"))
            assert await screen.end() == 404
            await leader.close()
        async with running_web(linked) as last:
            encoder.client = last
            assert await encoder.end() == 404
    finally:
        await asyncio.gather(encoder.close(), screen.close())
