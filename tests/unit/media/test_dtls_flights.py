"""What is said again in a handshake: at once for who lost it, and never more than a few times what came."""

from __future__ import annotations

from media.net.dtls import MOST_REPLY, _IceShape

COOKIE = b"cookie"
FLIGHT = bytes((22,)) + bytes(699)


def hello(number: int = 0, size: int = 200) -> bytes:
    """A record of epoch 0 with message `number`, ClientHello, unfragmented, with our cookie."""
    head = bytes((22, 254, 253, 0, 0)) + bytes(8) + b"\x01" + (size - 25).to_bytes(3, "big") + number.to_bytes(2, "big")
    return (head + bytes(6 + 35) + bytes((len(COOKIE),)) + COOKIE).ljust(size, b"\0")


class Line:
    """On which the cookie was said."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.ice = _IceShape(self.sent.append, COOKIE)
        self.ice._gate._begun = True


async def test_the_answer_to_a_repeated_hello_is_repeated_at_once() -> None:
    line = Line()
    line.ice.feed(hello(size=300))
    assert await line.ice._recv() == hello(size=300)
    await line.ice._send(FLIGHT)

    assert line.ice.feed(hello(size=300))
    assert line.sent == [FLIGHT, FLIGHT]
    assert line.ice._queue.empty()  # OpenSSL need not see it


async def test_repeats_of_the_timer_stay_below_three_times_what_came() -> None:
    line = Line()
    line.ice.feed(hello(size=280))
    for _ in range(6):
        await line.ice._send(FLIGHT)

    assert len(line.sent) == 1
    for _ in range(3):
        line.ice.feed(b"\x16" + bytes(300))  # not the same hello: more of the handshake
    line.ice._heard = False
    await line.ice._send(FLIGHT)
    assert len(line.sent) == 2
    assert sum(map(len, line.sent)) <= MOST_REPLY * (280 + 903)


async def test_the_next_flight_is_never_held_back() -> None:
    line = Line()
    line.ice.feed(hello(size=70))
    await line.ice._send(FLIGHT)
    line.ice.feed(b"\x16" + bytes(20))
    await line.ice._send(FLIGHT)

    assert len(line.sent) == 2


async def test_another_hello_and_what_is_none_goes_to_openssl() -> None:
    line = Line()
    for datagram in (hello(), hello(1), b"\x15\xfe\xfd", b"\x16" + bytes(4)):
        line.ice.feed(datagram)
        await line.ice._send(FLIGHT)

    assert line.ice._queue.qsize() == 4
