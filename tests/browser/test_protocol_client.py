"""The browser's side of the room protocol, step by step: protocol.js is pure, so a page runs it without a room."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.support.script_page import script_page

ROOT = Path(__file__).resolve().parent.parent.parent
PROTOCOL = (ROOT / "server/signaling/PROTOCOL.md").read_text("utf-8")
# Each step is [function, arguments after the state]; the page answers with the state and the effects of every step.
RUN = """async (steps) => {
  const protocol = await import("/static/js/protocol.js");
  let state = protocol.start("seat-token");
  const told = [];
  for (const [name, ...given] of steps) {
    const [next, effects] = protocol[name](state, ...given);
    state = next;
    told.push(effects);
  }
  return [state, told];
}"""
WELCOME = (
    '{"type": "welcome", "resume": "resume-1", "connection": 1, "media": "new", "ice": [], "slots": 3,'
    ' "you": {"seat": "b2", "role": "applicant", "name": "", "may": []},'
    ' "session": {"id": "s", "procedure": "mediation", "state": "live", "opened_at": 1.0, "site": ""},'
    ' "recording": {"state": "none", "since": null},'
    ' "people": [{"seat": "a1", "role": "in_charge", "name": "王建国", "site": "", "state": "connected", "muted": [], "silenced": []}]}'
)


def server_examples() -> list[str]:
    """The examples below *Server messages*, each as one line of JSON."""
    section = PROTOCOL.split("## Server messages")[1]
    return [" ".join(block.split()) for block in re.findall(r"(?m)^    \{(?:.|\n(?=    ))+", section)]


@pytest.fixture
async def page(chromium: Browser) -> Page:
    return await script_page(chromium)


async def run(page: Page, *steps: list[Any]) -> tuple[dict[str, Any], list[list[dict[str, Any]]]]:
    state, told = await page.evaluate(RUN, list(steps))
    return state, told


async def test_joins_with_the_seat_token_and_comes_back_with_the_resume_token(page: Page) -> None:
    state, told = await run(page, ["opened"], ["received", WELCOME, 0], ["lost", 1000, 0.0], ["opened"])

    assert told[0][0]["message"] == {"type": "join", "rid": "join", "token": "seat-token", "media": True}
    assert told[1] == [{"do": "media", "state": "new"}]
    assert told[2] == [{"do": "connect", "after_ms": 500}]
    assert told[3][0]["message"]["resume"] == "resume-1"
    assert (state["phase"], state["lost_at_ms"]) == ("seated", 1000)


async def test_waits_longer_each_time_with_chance_and_for_ever(page: Page) -> None:
    _, told = await run(page, *(["lost", 0, 1.0] for _ in range(7)))

    assert [effects[0]["after_ms"] for effects in told] == [750, 1500, 3000, 6000, 12000, 12000, 12000]


async def test_does_not_come_back_after_closed(page: Page) -> None:
    state, told = await run(page, ["received", '{"type": "closed", "why": "removed"}', 0], ["lost", 0, 0.5])

    assert told == [[{"do": "hang"}], []]
    assert (state["phase"], state["why"]) == ("closed", "removed")


async def test_an_answer_to_an_offer_given_up_is_left_alone(page: Page) -> None:
    answer = '{"type": "answer", "peer": 1, "revision": 1, "sdp": "v=0", "slots": []}'
    offer = ["offered", {"sdp": "v=0", "sources": {}, "fresh": True}]

    _, told = await run(
        page, offer, offer, ["received", answer, 0], ["received", answer.replace('"peer": 1', '"peer": 2'), 0]
    )

    assert told[2:] == [[], [{"do": "answer", "sdp": "v=0"}]]


async def test_layers_are_for_the_peer_connection_that_stands(page: Page) -> None:
    layers = '{"type": "layers", "peer": 1, "source": "face", "send": ["f"]}'
    offer = ["offered", {"sdp": "v=0", "sources": {}, "fresh": True}]

    _, told = await run(
        page,
        offer,
        ["received", layers, 0],
        offer,
        ["received", layers, 0],
        ["received", layers.replace('"peer": 1', '"peer": null'), 0],
    )

    effect = {"do": "layers", "source": "face", "send": ["f"]}
    assert [told[1], told[3], told[4]] == [[effect], [], [effect]]


async def test_who_speaks_is_who_the_service_says_unless_muted_or_away(page: Page) -> None:
    said = ["received", '{"type": "speaking", "seats": ["a1", "zz"]}', 0]
    there = {
        "seat": "a1",
        "role": "in_charge",
        "name": "",
        "site": "",
        "state": "connected",
        "muted": [],
        "silenced": [],
    }
    up, seated = ["opened"], ["received", WELCOME, 0]

    async def speaks(*steps: list[Any]) -> list[bool]:
        state, _ = await run(page, *steps)
        script = """async (state) => { const { speaks } = await import("/static/js/protocol.js"); return ["a1", "b2", "zz"].map((seat) => speaks(state, seat)); }"""
        found: list[bool] = await page.evaluate(script, state)
        return found

    def changed(**fields: Any) -> list[Any]:
        return ["received", json.dumps({"type": "person", "person": there | fields}), 0]

    assert await speaks(up, seated, said) == [True, False, False]
    for after in (
        changed(muted=["voice"]),
        changed(silenced=["voice"]),
        changed(state="reconnecting"),
        changed(state="left"),
        ["received", '{"type": "speaking", "seats": []}', 0],
        ["received", '{"type": "rejoin", "why": "worker_replaced"}', 0],
        seated,
        ["lost", 0, 0.0],
    ):
        assert await speaks(up, seated, said, after) == [False, False, False], after
    assert await speaks(up, seated, said, changed(muted=["face"])) == [True, False, False]


async def test_a_refused_offer_is_made_again_and_a_refused_resume_falls_back_to_the_seat(page: Page) -> None:
    _, told = await run(
        page,
        ["received", WELCOME, 0],
        ["received", '{"type": "error", "code": "service_away", "rid": "offer"}', 0],
        ["opened"],
        ["received", '{"type": "error", "code": "bad_token", "rid": "join"}', 0],
        ["opened"],
        ["received", '{"type": "error", "code": "bad_token", "rid": "join"}', 0],
    )

    assert told[1] == [{"do": "media", "state": "refused"}]
    assert told[3] == [{"do": "reopen"}]
    assert told[4][0]["message"]["token"] == "seat-token"
    assert told[5] == [{"do": "hang"}, {"do": "renew"}]


async def test_people_come_and_go_and_slots_run_short(page: Page) -> None:
    person = '{"type": "person", "person": {"seat": "c3", "role": "party", "name": "", "site": "", "state": "%s", "muted": [], "silenced": []}}'
    short = '{"type": "slots", "short": 2, "slots": [{"slot": 0, "audio_mid": "2", "video_mid": "3", "seat": "a1", "source": "face"}]}'

    state, told = await run(
        page,
        ["received", WELCOME, 0],
        ["received", person % "connected", 0],
        ["received", person % "left", 0],
        ["received", short, 0],
    )

    assert [effects[0]["before"] for effects in told[1:3]] == [None, "connected"]
    assert list(state["people"]) == ["a1"]
    assert told[3] == [{"do": "widen", "slots": 3}]


async def test_the_examples_of_the_protocol_are_all_understood(page: Page) -> None:
    examples = server_examples()
    assert len(examples) >= 10

    for example in examples:
        state, _ = await run(page, ["received", example, 0])
        assert state["phase"] in ("joining", "waiting", "seated", "closed"), example


async def test_what_is_not_for_us_changes_nothing(page: Page) -> None:
    before, _ = await run(page)

    for text in ("", "null", "[]", "7", '{"type": "toString"}', '{"type": "news", "of": "tomorrow"}', "{" * 50):
        assert await run(page, ["received", text, 0]) == (before, [[]]), text


async def test_a_face_is_sent_in_as_many_layers_as_camera_and_machine_are_good_for(page: Page) -> None:
    of = """async ([width, height, processors]) => {
      const { layersOf } = await import("/static/js/call/layers.js");
      const face = width ? { getSettings: () => ({ width, height }) } : undefined;
      return layersOf(face, processors).map((layer) => layer.rid ?? "");
    }"""
    cases = [(640, 360, 4), (0, 0, 4), (1280, 720, 8), (540, 960, 8), (1280, 720, 2), (1280, 720, 1)]

    told = [await page.evaluate(of, list(case)) for case in cases]

    assert told == [["h", "f"], ["h", "f"], ["q", "h", "f"], ["q", "h", "f"], ["h", "f"], [""]]


async def test_what_one_shows_is_told_and_stays_in_the_room_where_it_was_shown(page: Page) -> None:
    me = {"seat": "b2", "role": "applicant", "name": "", "site": "", "state": "connected", "muted": [], "silenced": []}

    def about(**fields: Any) -> list[Any]:
        return ["received", json.dumps({"type": "person", "person": me | fields}), 0]

    def welcome(**fields: Any) -> list[Any]:
        said = json.loads(WELCOME)
        return ["received", json.dumps(said | {"people": [*said["people"], me | fields]}), 0]

    state, told = await run(
        page,
        ["opened"],
        welcome(),
        about(shows="document"),
        about(shows="document", muted=["face"]),
        ["received", '{"type": "error", "code": "shown_already", "rid": "show"}', 0],
        welcome(shows="document"),
        welcome(room="r2"),
        about(room="r2", shows="document"),
        about(room="r2"),
    )

    done = [
        [(effect["do"], effect.get("person", {}).get("shows"), effect.get("before")) for effect in each]
        for each in told
    ]
    assert done[2:5] == [[("showed", "document", "")], [], [("show_refused", None, None)]]
    assert done[5:7] == [[("media", None, None)], [("put_away", None, None), ("media", None, None)]]
    assert done[7:] == [[("showed", "document", "")], [("showed", None, "document")]]
    assert [person.get("shows") for person in state["people"].values()] == [None, None]
