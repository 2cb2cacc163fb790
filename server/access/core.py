"""Who may do what: the one policy table, and the pure question asked of it.

A rule is (role, action) -> reach. The reach says over which objects the permission goes:

    ANY         every object
    SITE        objects whose site lies at or below a site where the role was granted
    IN_CHARGE   sessions that this person leads
    OWN         the endpoint's own ticket, the seat's own session, a person's own things

A cell that is not in the table is a refusal. `tests/unit/server/test_policy.py` prints the table against this file, cell by cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody is to us. Staff roles are granted at a site and hold below it."""

    ANYONE = "anyone"  # nobody we know
    ENDPOINT = "endpoint"  # an enrolled device, by its device credential
    PARTICIPANT = "participant"  # somebody with a seat, by seat token
    SITE_WORKER = "site_worker"  # helps citizens in the village room
    NOTARY = "notary"
    NOTARY_ASSISTANT = "notary_assistant"
    MEDIATOR = "mediator"
    LAWYER = "lawyer"
    COORDINATOR = "coordinator"  # publishes rosters
    ADMINISTRATOR = "administrator"  # people, sites, endpoints; sees no recordings


class Action(StrEnum):
    """What can be done. One action per button or per message, named as in the glossary."""

    SEE_PUBLIC = "see_public"
    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    READ_FEED = "read_feed"
    ENROL_ENDPOINT = "enrol_endpoint"
    SEE_OWN_TICKET = "see_own_ticket"
    TAKE_TICKET = "take_ticket"
    LEAVE_QUEUE = "leave_queue"
    REPORT_HEALTH = "report_health"  # of the device itself
    TAKE_PUBLIC_TICKET = "take_public_ticket"  # from the web; everything after it needs the personal link
    BOOK_PUBLICLY = "book_publicly"
    TRY_LINE = "try_line"  # a connection to a media worker for some seconds, with nobody at its other end
    GIVE_OPINION = "give_opinion"
    SEE_DESK = "see_desk"
    TAKE_TICKET_FOR = "take_ticket_for"  # at the counter, for somebody
    HANDLE_TICKET = "handle_ticket"  # hold, skip, put back, transfer, write to
    MANAGE_BOOKINGS = "manage_bookings"
    SEE_FIGURES = "see_figures"
    HANDLE_RATING = "handle_rating"  # the bad-rating loop and the opinion box
    WRITE_NOTICE = "write_notice"  # risk notices of the hall screen
    MANAGE_LINES = "manage_lines"  # hours, closing, overflow, alerts
    CALL_NEXT = "call_next"
    NAME_CITIZEN = "name_citizen"
    MARK_NO_SHOW = "mark_no_show"
    JOIN_ROOM = "join_room"
    INVITE_PERSON = "invite_person"
    ADMIT_PERSON = "admit_person"
    REMOVE_PERSON = "remove_person"
    MUTE_PERSON = "mute_person"
    END_SESSION = "end_session"
    SEE_SESSION = "see_session"
    WATCH_RECORDING = "watch_recording"
    DOWNLOAD_PACK = "download_pack"
    SEE_RECORDINGS = "see_recordings"  # that they are there, how long they are kept, who saw them; no names of citizens
    ASK_RECORDING = "ask_recording"  # to see one that somebody else led, with a reason
    AGREE_RECORDING = "agree_recording"  # the second person
    HIDE_PART = "hide_part"  # of a recording, with a cause
    HOLD_RECORDING = "hold_recording"
    DESTROY_RECORDING = "destroy_recording"  # two people of these
    SEE_ROSTER_BOARD = "see_roster_board"
    EDIT_ROSTER = "edit_roster"
    PUBLISH_ROSTER = "publish_roster"
    OWN_FEED = "own_feed"
    OWN_DUTY = "own_duty"  # come, give a shift away, take one
    EDIT_EVENTS = "edit_events"
    REGISTER = "register"
    CHECK_IN_ATTENDEE = "check_in_attendee"
    OPEN_LECTURE = "open_lecture"  # its room, as the speaker
    ATTEND_LECTURE = "attend_lecture"  # a village room listens, seen by all
    MANAGE_SITES = "manage_sites"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_ENDPOINTS = "manage_endpoints"
    LOOK_AFTER_DEVICE = "look_after_device"  # let the kiosk of one's own village room begin anew
    SEE_STORAGE = "see_storage"  # space, copies, the monthly look: no word of what was recorded
    READ_AUDIT = "read_audit"


class Reach(StrEnum):
    """Over which objects a permission goes."""

    ANY = "any"
    SITE = "site"
    IN_CHARGE = "in_charge"
    OWN = "own"


_PROFESSIONALS = (Role.NOTARY, Role.NOTARY_ASSISTANT, Role.MEDIATOR, Role.LAWYER)
_STAFF = (*_PROFESSIONALS, Role.SITE_WORKER, Role.COORDINATOR, Role.ADMINISTRATOR)
_LEADERS = (Role.NOTARY, Role.MEDIATOR, Role.LAWYER)

# Services that a professional role serves; an assistant helps, but does not lead (Notary Law art. 16: the act is the notary's).
SERVES: dict[Role, frozenset[str]] = {
    Role.NOTARY: frozenset({"notarization"}),
    Role.MEDIATOR: frozenset({"mediation"}),
    Role.LAWYER: frozenset({"legal_aid", "legal_advice"}),
}


def _give(reach: Reach, *roles: Role) -> dict[Role, Reach]:
    return dict.fromkeys(roles, reach)


POLICY: dict[Action, dict[Role, Reach]] = {
    Action.SEE_PUBLIC: _give(Reach.ANY, *Role),
    Action.SIGN_IN: _give(Reach.ANY, *Role),
    Action.SIGN_OUT: _give(Reach.OWN, *_STAFF),
    Action.READ_FEED: _give(Reach.ANY, *Role),
    Action.ENROL_ENDPOINT: _give(Reach.ANY, Role.ANYONE, *_STAFF, Role.ENDPOINT),
    Action.SEE_OWN_TICKET: _give(Reach.OWN, Role.ENDPOINT),
    Action.TAKE_TICKET: _give(Reach.OWN, Role.ENDPOINT),
    Action.LEAVE_QUEUE: _give(Reach.OWN, Role.ENDPOINT),
    Action.REPORT_HEALTH: _give(Reach.OWN, Role.ENDPOINT),
    Action.TAKE_PUBLIC_TICKET: _give(Reach.ANY, *Role),
    Action.BOOK_PUBLICLY: _give(Reach.ANY, *Role),
    Action.TRY_LINE: _give(Reach.ANY, *Role),
    Action.GIVE_OPINION: _give(Reach.ANY, *Role),
    Action.SEE_DESK: _give(Reach.OWN, *_PROFESSIONALS, Role.SITE_WORKER),
    Action.TAKE_TICKET_FOR: _give(Reach.SITE, *_PROFESSIONALS, Role.SITE_WORKER),
    Action.HANDLE_TICKET: _give(Reach.SITE, *_PROFESSIONALS, Role.SITE_WORKER),
    Action.MANAGE_BOOKINGS: _give(Reach.SITE, *_PROFESSIONALS, Role.SITE_WORKER, Role.COORDINATOR),
    Action.SEE_FIGURES: _give(Reach.SITE, *_PROFESSIONALS, Role.COORDINATOR, Role.ADMINISTRATOR),
    Action.HANDLE_RATING: _give(Reach.SITE, Role.COORDINATOR),
    Action.WRITE_NOTICE: _give(Reach.SITE, Role.COORDINATOR),
    Action.MANAGE_LINES: _give(Reach.SITE, Role.COORDINATOR, Role.ADMINISTRATOR),
    Action.CALL_NEXT: _give(Reach.SITE, *_LEADERS),
    Action.NAME_CITIZEN: _give(Reach.SITE, *_PROFESSIONALS, Role.SITE_WORKER),
    Action.MARK_NO_SHOW: _give(Reach.IN_CHARGE, *_LEADERS),
    Action.JOIN_ROOM: _give(Reach.OWN, Role.PARTICIPANT),
    Action.INVITE_PERSON: _give(Reach.IN_CHARGE, *_LEADERS),
    Action.ADMIT_PERSON: _give(Reach.IN_CHARGE, *_LEADERS),
    Action.REMOVE_PERSON: _give(Reach.IN_CHARGE, *_LEADERS),
    Action.MUTE_PERSON: _give(Reach.IN_CHARGE, *_LEADERS),
    Action.END_SESSION: _give(Reach.IN_CHARGE, *_LEADERS),
    Action.SEE_SESSION: _give(Reach.IN_CHARGE, *_LEADERS),
    Action.WATCH_RECORDING: _give(Reach.IN_CHARGE, *_LEADERS),
    Action.DOWNLOAD_PACK: _give(Reach.IN_CHARGE, *_LEADERS),
    Action.SEE_RECORDINGS: _give(Reach.SITE, *_LEADERS, Role.COORDINATOR, Role.ADMINISTRATOR),
    Action.ASK_RECORDING: _give(Reach.SITE, *_LEADERS, Role.COORDINATOR),
    Action.AGREE_RECORDING: _give(Reach.IN_CHARGE, *_LEADERS) | _give(Reach.SITE, Role.COORDINATOR, Role.ADMINISTRATOR),
    Action.HIDE_PART: _give(Reach.IN_CHARGE, *_LEADERS),
    Action.HOLD_RECORDING: _give(Reach.SITE, Role.COORDINATOR, Role.ADMINISTRATOR),
    Action.DESTROY_RECORDING: _give(Reach.SITE, Role.COORDINATOR, Role.ADMINISTRATOR),
    Action.SEE_ROSTER_BOARD: _give(Reach.SITE, Role.COORDINATOR),
    Action.EDIT_ROSTER: _give(Reach.SITE, Role.COORDINATOR),
    Action.PUBLISH_ROSTER: _give(Reach.SITE, Role.COORDINATOR),
    Action.OWN_FEED: _give(Reach.OWN, *_STAFF),
    Action.OWN_DUTY: _give(Reach.OWN, *_PROFESSIONALS, Role.SITE_WORKER),
    Action.EDIT_EVENTS: _give(Reach.SITE, Role.COORDINATOR),
    Action.REGISTER: _give(Reach.ANY, *Role),
    Action.CHECK_IN_ATTENDEE: _give(Reach.SITE, Role.SITE_WORKER, Role.COORDINATOR),
    Action.OPEN_LECTURE: _give(Reach.SITE, *_LEADERS),
    Action.ATTEND_LECTURE: _give(Reach.OWN, Role.ENDPOINT),
    Action.MANAGE_SITES: _give(Reach.SITE, Role.ADMINISTRATOR),
    Action.MANAGE_PEOPLE: _give(Reach.SITE, Role.ADMINISTRATOR),
    Action.MANAGE_ENDPOINTS: _give(Reach.SITE, Role.ADMINISTRATOR),
    Action.LOOK_AFTER_DEVICE: _give(Reach.SITE, Role.SITE_WORKER, Role.ADMINISTRATOR),
    Action.SEE_STORAGE: _give(Reach.ANY, Role.ADMINISTRATOR),
    Action.READ_AUDIT: _give(Reach.SITE, Role.ADMINISTRATOR),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """One role at one site of the tree."""

    role: Role
    site_id: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `kind` is 'anyone', 'person', 'endpoint' or 'seat'; `id` is theirs."""

    kind: str = "anyone"
    id: str | None = None
    grants: frozenset[Grant] = frozenset()
    site_id: str | None = None  # of an endpoint
    session_id: str | None = None  # of a seat

    def roles(self) -> frozenset[Role]:
        """All roles of the actor, wherever granted."""
        fixed = {"anyone": Role.ANYONE, "endpoint": Role.ENDPOINT, "seat": Role.PARTICIPANT}
        if self.kind in fixed:
            return frozenset({fixed[self.kind]})
        return frozenset(grant.role for grant in self.grants)


ANYONE = Actor()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the question must know of an object: its site with all sites above it, who leads it, whose it is."""

    site_path: tuple[str, ...] = ()
    in_charge: str | None = None
    owner: str | None = None


def reach_of(actor: Actor, action: Action) -> dict[Role, Reach]:
    """The cells of the table that this actor's roles have for the action."""
    row = POLICY[action]
    return {role: row[role] for role in actor.roles() if role in row}


def may_at_all(actor: Actor, action: Action) -> bool:
    """Whether there is any object on which the actor could do this."""
    return bool(reach_of(actor, action))


def may(actor: Actor, action: Action, facts: Facts) -> bool:
    """Whether the actor may do the action to the object that has these facts."""
    return any(_covers(actor, role, reach, facts) for role, reach in reach_of(actor, action).items())


def _covers(actor: Actor, role: Role, reach: Reach, facts: Facts) -> bool:
    if reach is Reach.ANY:
        return True
    if reach is Reach.IN_CHARGE:
        return actor.id is not None and facts.in_charge == actor.id
    if reach is Reach.OWN:
        return actor.id is not None and facts.owner == actor.id
    return any(grant.role is role and grant.site_id in facts.site_path for grant in actor.grants)
