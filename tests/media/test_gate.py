"""Hostile datagrams to a real worker while two people talk: nothing is answered, nothing breaks, nobody notices."""

from __future__ import annotations

import os
import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from media.peer import DTLS_AT_ONCE
from tests.media.conftest import Enter
from tests.media.test_room_media import until_hears
from tests.support.eventually import eventually
from tests.support.forged_dtls import FATAL_ALERT
from tests.support.forged_dtls import hello as forged_hello
from tests.support.media_worker import Controller, RunningWorker, running_worker
from tests.support.rtc_client import RtcClient, join
from tests.support.rtc_handshake import Certificate
from tests.support.rtc_packets import continuous

VECTORS = Path(__file__).parents[1] / "vectors"
PIECE = 50  # datagrams sent without a breath


@pytest.fixture
def attacker() -> Iterator[socket.socket]:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    opened.setblocking(False)
    yield opened
    opened.close()


def answers(attacker: socket.socket) -> list[bytes]:
    found = []
    try:
        while True:
            found.append(attacker.recv(4096))
    except BlockingIOError:
        return found


async def dropped(controller: Controller) -> dict[str, int]:
    counters: dict[str, int] = (await controller.ask("stats", room=None))["dropped"]
    return counters


async def taken(controller: Controller) -> None:
    """The worker has had time for what was sent: its socket's buffer may hold no more than a few hundred datagrams."""
    await controller.ask("ping")


async def until_dropped(controller: Controller, reason: str, count: int) -> None:
    async def lacking() -> str | None:
        now = await dropped(controller)
        return None if now.get(reason, 0) >= count else f"{reason}: {now}"

    await eventually(lacking)


async def undisturbed(a: RtcClient, b: RtcClient) -> None:
    """They go on hearing each other, without loss."""
    heard_a, heard_b = len(a.heard_from("b")), len(b.heard_from("a"))
    await eventually(lambda: None if len(a.heard_from("b")) > heard_a + 40 else "a hears nothing any more")
    await eventually(lambda: None if len(b.heard_from("a")) > heard_b + 40 else "b hears nothing any more")
    for client in (a, b):
        for line in client.received.values():
            assert continuous(line)


async def test_garbage_of_all_kinds_is_counted_and_unanswered(
    enter: Enter, controller: Controller, worker: RunningWorker, attacker: socket.socket
) -> None:
    a, b = await enter("a"), await enter("b")
    await until_hears(a, "b")
    chance = random.Random(3)
    kinds = [
        bytes([first]) + chance.randbytes(size) for first in range(0, 256, 3) for size in (0, 1, 11, 19, 60, 900, 1499)
    ]

    for number, datagram in enumerate([b"", *kinds]):
        attacker.sendto(datagram, a.remote)
        if number % PIECE == 0:
            await taken(controller)
    await until_dropped(controller, "unknown_source", 100)
    await undisturbed(a, b)

    counters = await dropped(controller)
    assert counters["unknown_kind"] > 50
    assert counters["stun_malformed"] > 0
    assert answers(attacker) == []
    assert counters.get("fault", 0) == 0


async def test_stun_that_crashed_the_library_is_only_counted(
    enter: Enter, controller: Controller, attacker: socket.socket
) -> None:
    a, b = await enter("a"), await enter("b")

    for vector in sorted((VECTORS / "stun").glob("*.bin")):
        for _ in range(5):
            attacker.sendto(vector.read_bytes(), a.remote)
    await undisturbed(a, b)

    counters = await dropped(controller)
    assert counters["stun_malformed"] == 15
    assert counters.get("fault", 0) == 0
    assert answers(attacker) == []


async def test_datagrams_above_1500_bytes_never_reach_srtp(
    enter: Enter, controller: Controller, attacker: socket.socket
) -> None:
    a, b = await enter("a"), await enter("b")

    for size in (1501, 1502, 2048, 2049, 9000, 60_000):
        attacker.sendto(bytes([0x80, 96]) + bytes(size - 2), a.remote)
        a.send_raw(bytes([0x80, 96]) + bytes(size - 2))  # from the nominated address too
    await until_dropped(controller, "too_long", 12)

    await undisturbed(a, b)


async def test_checks_with_a_wrong_password_are_neither_answered_nor_followed(
    enter: Enter, controller: Controller, attacker: socket.socket
) -> None:
    a, b = await enter("a"), await enter("b")

    for _ in range(20):
        attacker.sendto(a.check(pwd="guess-guess-guess-guess"), a.remote)
    await until_dropped(controller, "stun_bad_integrity", 20)

    await undisturbed(a, b)
    assert answers(attacker) == []


async def test_a_flood_of_checks_is_rate_limited_per_source(
    enter: Enter, controller: Controller, attacker: socket.socket
) -> None:
    a, b = await enter("a"), await enter("b")

    for number in range(1000):
        attacker.sendto(a.check(pwd="guess-guess-guess-guess"), a.remote)
        if number % PIECE == 0:
            await taken(controller)
    await until_dropped(controller, "stun_rate", 500)

    await undisturbed(a, b)


async def test_dtls_from_an_address_that_was_not_nominated_never_reaches_the_handshake(
    controller: Controller, attacker: socket.socket
) -> None:
    """The ClientHello race: ten thousand forged ones while a handshake runs."""
    clients = [RtcClient(name) for name in ("a", "b", "c", "d")]
    hello = bytes.fromhex("16fefd0000000000000000002e010000220000000000000022fefd") + os.urandom(32) + b"\x00"
    for client in clients:
        ok = await join(controller, client)
        client.begin(ok["answer"])
        for _ in range(2500):
            attacker.sendto(hello, client.remote)

    for client in clients:
        await eventually(lambda client=client: None if client.connected.is_set() else f"{client.name} is not connected")

    counters = await dropped(controller)
    assert counters["unknown_source"] > 200  # the rest the kernel dropped before us
    assert answers(attacker) == []
    for client in clients:
        await client.close()


async def test_dtls_forged_from_a_members_own_address_disturbs_no_handshake(controller: Controller) -> None:
    """What somebody in the same Wi-Fi can send: hellos and alerts in front of each datagram of his, from his address."""
    a = RtcClient("a")
    ok = await join(controller, a)
    said = a.dtls._send

    def say(datagram: bytes) -> None:
        for forged in (forged_hello(), forged_hello(bytes(16), 1), FATAL_ALERT):
            a.send_raw(forged)
        said(datagram)

    a.dtls._send = say
    await a.connect(ok["answer"])

    await controller.wait_for("peer_state", seat="a", state="connected")
    assert (await dropped(controller))["dtls_queue_full"] >= 2
    await a.close()


async def test_a_flood_of_dtls_from_a_members_own_address_is_counted_and_costs_him_nothing(
    enter: Enter, controller: Controller
) -> None:
    a, b = await enter("a"), await enter("b")

    for number in range(10 * DTLS_AT_ONCE):
        a.send_raw(forged_hello())
        if number % PIECE == 0:
            await taken(controller)
    await until_dropped(controller, "dtls_queue_full", 5 * DTLS_AT_ONCE)

    await undisturbed(a, b)


async def test_injected_srtp_and_rtcp_from_elsewhere_or_with_wrong_keys_are_dropped(
    enter: Enter, controller: Controller, attacker: socket.socket
) -> None:
    a, b = await enter("a"), await enter("b")
    await until_hears(b, "a")

    for i in range(200):
        forged = bytes([0x80, 111]) + i.to_bytes(2, "big") + bytes(4) + a.audio_ssrc.to_bytes(4, "big") + os.urandom(80)
        attacker.sendto(forged, a.remote)
        a.send_raw(forged)
        a.send_raw(bytes([0x80, 200]) + os.urandom(60))
        if i % PIECE == 0:
            await taken(controller)
    await until_dropped(controller, "bad_auth", 350)

    await undisturbed(a, b)


async def test_malformed_rtp_and_rtcp_of_a_member_with_keys_disturb_nobody(
    enter: Enter, controller: Controller
) -> None:
    a, b = await enter("a"), await enter("b")
    c = await enter("c", media=False)
    await until_hears(b, "a")
    assert c.dtls.tx is not None
    chance = random.Random(11)

    for i in range(300):
        head = bytes([0x80 | chance.randrange(64), chance.randrange(128)]) + i.to_bytes(2, "big") + chance.randbytes(4)
        body = head + c.video_ssrc.to_bytes(4, "big") + chance.randbytes(chance.randrange(60))
        try:
            c.send_plain(body)
        except Exception:  # libsrtp itself refuses some headers; nobody can send those
            continue
        c.send_raw(
            c.dtls.tx.protect_rtcp(
                bytes([0x80 | chance.randrange(32), 200 + chance.randrange(8)]) + chance.randbytes(26)
            )
        )
    await until_dropped(controller, "rtcp_malformed", 1)

    await undisturbed(a, b)
    assert (await dropped(controller)).get("fault", 0) == 0


async def test_another_certificate_than_the_offers_gets_no_media_and_is_told(
    enter: Enter, controller: Controller, worker: RunningWorker
) -> None:
    a = await enter("a")
    impostor = RtcClient("b")
    impostor.offered_fingerprint = Certificate().fingerprint

    ok = await join(controller, impostor)
    impostor.begin(ok["answer"])

    await controller.wait_for("peer_state", seat="b", state="gone", cause="certificate")
    assert controller.found("peer_state", seat="b", state="connected") == []
    assert controller.found("slots", seat="a") == []
    assert impostor.received == {}
    assert a.connected.is_set()
    await eventually(lambda: None if len([line for line in worker.log if "certificate" in line]) == 1 else "no word")
    await impostor.close()


async def test_one_member_cannot_make_the_server_amplify(enter: Enter, controller: Controller) -> None:
    """A NACK of 70 bytes that asks for hundreds of packets again and again: bytes out are bounded."""
    a, b = await enter("a"), await enter("b")
    await until_hears(b, "a", 100)
    from media.core import rtcp  # noqa: PLC0415

    ssrc, newest = next((s, line[-1].seq) for s, line in b.received.items() if line and line[-1].pt == 96)
    b.nack = False
    before = sum(p.rtx for line in b.received.values() for p in line)
    for _ in range(100):
        b.send_rtcp(rtcp.Nack(b.video_ssrc, ssrc, tuple((newest - i) & 0xFFFF for i in range(60))))
    await eventually(lambda: None if sum(p.rtx for line in b.received.values() for p in line) > before else "no RTX")
    heard = len(b.heard_from("a"))
    await eventually(lambda: None if len(b.heard_from("a")) > heard + 60 else "a stopped")

    resent = sum(p.rtx for line in b.received.values() for p in line) - before
    assert 8 <= resent <= 1200  # of 6000 asked for; what would wait too long behind the others is given up
    assert a.counts["pli"] < 10


async def test_a_member_who_asks_for_thousands_of_packets_again_and_again_is_heard_no_more(
    enter: Enter, controller: Controller
) -> None:
    """Each of these costs the worker half a millisecond to read: more than 48 kB a second of them are not read."""
    a, b = await enter("a"), await enter("b")
    c = await enter("c", media=False)
    await until_hears(b, "a")
    assert c.dtls.tx is not None
    items = b"".join(struct.pack("!HH", 17 * i, 0xFFFF) for i in range(320))
    asks = struct.pack("!BBHII", 0x81, 205, 322, c.video_ssrc, 1) + items

    for number in range(400):
        c.send_raw(c.dtls.tx.protect_rtcp(asks))
        if number % PIECE == 0:
            await taken(controller)
    await until_dropped(controller, "rtcp_flood", 100)

    await undisturbed(a, b)
    assert (await dropped(controller)).get("fault", 0) == 0


async def test_a_member_who_floods_is_cut_off_and_the_others_go_on(tmp_path: Path) -> None:
    """Without reports nothing refills the budget: 3000 packets are what each may send here."""
    async with running_worker(tmp_path, "--report-s", "60") as worker:
        controller = await worker.controller()
        await controller.ask("open_room", room="r1", session="s1", epoch=1, capacity=6, record=None)
        a, b, c = (RtcClient(name) for name in ("a", "b", "c"))
        for client in (a, b, c):
            await client.connect((await join(controller, client))["answer"])
        a.start_media()
        b.start_media()
        await until_hears(a, "b")

        for _ in range(40):
            for _ in range(100):
                c.send_media("audio", b"flood", marker=False)
            heard = len(a.heard_from("b"))
            await eventually(lambda heard=heard: None if len(a.heard_from("b")) > heard else "a hears nothing")
        await until_dropped(controller, "flood", 500)

        await undisturbed(a, b)
        assert sum(b"flood" in p.payload for line in a.received.values() for p in line) <= 3000
        for client in (a, b, c):
            await client.close()
        await controller.close()


async def test_a_member_cannot_take_anothers_address_with_forged_checks(enter: Enter, controller: Controller) -> None:
    """c's own valid check, sent from a's address: what an insider who can forge source addresses would send."""
    a, b = await enter("a"), await enter("b")
    c = await enter("c", media=False)
    await until_hears(b, "a")

    for _ in range(5):
        a.send_raw(c.check())
    await until_dropped(controller, "address_taken", 5)

    heard = len(b.heard_from("a"))
    await eventually(lambda: None if len(b.heard_from("a")) > heard + 40 else "a lost its place")
    await until_hears(a, "b", 40)
