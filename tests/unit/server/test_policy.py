"""The policy table, cell by cell: flipping any one of them fails here."""

from __future__ import annotations

import itertools

import pytest

from server.access.core import POLICY, SERVES, Action, Actor, Facts, Grant, Reach, Role, may, may_at_all

# The table as people agreed on it: action -> what each role may, in the order of Role. `-` nothing, else the reach's first letter.
#   anyone endpoint participant site_worker notary notary_assistant mediator lawyer coordinator administrator
AGREED = """
see_public        a a a a a a a a a a
sign_in           a a a a a a a a a a
sign_out          - - - o o o o o o o
read_feed         a a a a a a a a a a
enrol_endpoint    a a - a a a a a a a
see_own_ticket    - o - - - - - - - -
take_ticket       - o - - - - - - - -
leave_queue       - o - - - - - - - -
report_health     - o - - - - - - - -
take_public_ticket a a a a a a a a a a
book_publicly     a a a a a a a a a a
try_line          a a a a a a a a a a
give_opinion      a a a a a a a a a a
see_desk          - - - o o o o o - -
take_ticket_for   - - - s s s s s - -
handle_ticket     - - - s s s s s - -
manage_bookings   - - - s s s s s s -
see_figures       - - - - s s s s s s
handle_rating     - - - - - - - - s -
write_notice      - - - - - - - - s -
manage_lines      - - - - - - - - s s
call_next         - - - - s - s s - -
name_citizen      - - - s s s s s - -
mark_no_show      - - - - i - i i - -
join_room         - - o - - - - - - -
invite_person     - - - - i - i i - -
admit_person      - - - - i - i i - -
remove_person     - - - - i - i i - -
mute_person       - - - - i - i i - -
end_session       - - - - i - i i - -
see_session       - - - - i - i i - -
watch_recording   - - - - i - i i - -
download_pack     - - - - i - i i - -
see_recordings    - - - - s - s s s s
ask_recording     - - - - s - s s s -
agree_recording   - - - - i - i i s s
hide_part         - - - - i - i i - -
hold_recording    - - - - - - - - s s
destroy_recording - - - - - - - - s s
see_roster_board  - - - - - - - - s -
edit_roster       - - - - - - - - s -
publish_roster    - - - - - - - - s -
own_feed          - - - o o o o o o o
own_duty          - - - o o o o o - -
edit_events       - - - - - - - - s -
register          a a a a a a a a a a
check_in_attendee - - - s - - - - s -
open_lecture      - - - - s - s s - -
attend_lecture    - o - - - - - - - -
manage_sites      - - - - - - - - - s
manage_people     - - - - - - - - - s
manage_endpoints  - - - - - - - - - s
look_after_device - - - s - - - - - s
see_storage       - - - - - - - - - a
read_audit        - - - - - - - - - s
"""
ORDER = list(Role)
ROWS = {words[0]: words[1:] for words in (line.split() for line in AGREED.strip().splitlines())}
CELLS = list(itertools.product(Action, Role))


def actor_of(role: Role, **values: str) -> Actor:
    kinds = {Role.ANYONE: "anyone", Role.ENDPOINT: "endpoint", Role.PARTICIPANT: "seat"}
    if role in kinds:
        return Actor(kinds[role], "me" if role is not Role.ANYONE else None)
    return Actor("person", "me", frozenset({Grant(role, "town")}))


def test_every_action_is_in_the_agreed_table() -> None:
    assert list(ROWS) == [action.value for action in Action]
    assert set(POLICY) == set(Action)


@pytest.mark.parametrize(("action", "role"), CELLS)
def test_cell(action: Action, role: Role) -> None:
    letters = {Reach.ANY: "a", Reach.SITE: "s", Reach.IN_CHARGE: "i", Reach.OWN: "o"}

    granted = POLICY[action].get(role)

    assert (letters[granted] if granted else "-") == ROWS[action.value][ORDER.index(role)]
    assert may_at_all(actor_of(role), action) is (granted is not None)


@pytest.mark.parametrize(
    ("reach_action", "facts", "allowed"),
    [
        (Action.CALL_NEXT, Facts(("village", "town", "city")), True),
        (Action.CALL_NEXT, Facts(("city",)), False),
        (Action.CALL_NEXT, Facts(("other", "city")), False),
        (Action.END_SESSION, Facts(("town",), in_charge="me"), True),
        (Action.END_SESSION, Facts(("town",), in_charge="another"), False),
        (Action.END_SESSION, Facts(("town",)), False),
        (Action.OWN_FEED, Facts(owner="me"), True),
        (Action.OWN_FEED, Facts(owner="another"), False),
        (Action.OWN_FEED, Facts(), False),
        (Action.SEE_PUBLIC, Facts(), True),
    ],
)
def test_reach(reach_action: Action, facts: Facts, allowed: bool) -> None:
    assert may(actor_of(Role.NOTARY), reach_action, facts) is allowed


def test_nobody_unknown_owns_what_has_no_owner() -> None:
    for action, role in CELLS:
        anyone = may(actor_of(Role.ANYONE), action, Facts())
        assert anyone is (POLICY[action].get(Role.ANYONE) is Reach.ANY), (action, role)


def test_an_assistant_leads_nothing() -> None:
    assert Role.NOTARY_ASSISTANT not in SERVES
