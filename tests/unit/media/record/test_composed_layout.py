"""In the composed film a document stands on the stage while it is shown, and the faces have it all before and after."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction

import av

from media.core.depacketize import Frame
from media.record.films.composed import STALE_US, ComposedFilm
from media.record.films.letters import open_letters
from media.record.films.tiles import Wanted

FACE, DOCUMENT = 200, 90  # luminance
SHOWN_US, AWAY_US = 1_000_000, 2_000_000
LENGTH_US = AWAY_US + STALE_US + 1_000_000


def pictures(luminance: int, from_us: int, to_us: int) -> Iterator[tuple[int, Frame]]:
    """VP8, five a second, of one shade."""
    encoder = av.codec.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 180, "yuv420p"
    encoder.time_base = Fraction(1, 5)
    shade = av.VideoFrame(320, 180, "yuv420p")
    for plane, value in zip(shade.planes, (luminance, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    for number, at_us in enumerate(range(from_us, to_us, 200_000)):
        shade.pts = number
        for packet in encoder.encode(shade):
            yield at_us, Frame(ts=number * 18_000, data=bytes(packet), key=packet.is_keyframe)


def film() -> bytes:
    target = io.BytesIO()
    wanted = [
        Wanted("a", "face", "in_charge", "A"),
        Wanted("b", "face", "applicant", "B"),
        Wanted("b", "document", "applicant", "B"),
    ]
    made = ComposedFilm(target, wanted, [], LENGTH_US, 0, 0, open_letters(None))
    for seat, source, epoch, shown in (
        ("a", "face", 1, pictures(FACE, 0, LENGTH_US)),
        ("b", "document", 2, pictures(DOCUMENT, SHOWN_US, AWAY_US)),
    ):
        for at_us, frame in shown:
            made.picture(seat, source, epoch, "VP8", frame, at_us)
    made.finish()
    return target.getvalue()


def test_a_document_has_the_larger_part_while_it_is_shown_and_the_faces_have_it_back() -> None:
    left, right = [], []  # in the middle of the left face, and of the first face beside a document
    with av.open(io.BytesIO(film()), "r") as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % 20 == 10:  # once a second, at its half
                shades = frame.to_ndarray(format="gray")
                left.append(int(shades[300, 300]))
                right.append(int(shades[150, 1050]))

    def is_near(shade: int, wanted: int) -> bool:
        return abs(shade - wanted) < 15

    stage = ["document" if is_near(one, DOCUMENT) else "face" if is_near(one, FACE) else one for one in left]
    assert stage == ["face", *["document"] * 4, "face"]  # its last picture stays until it is too old
    assert [is_near(one, FACE) for one in right[:3]] == [False, True, True]
