"""Which function takes which input of a session: a message, the outcome of a request, the outcome of an act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server.sessions.core import SeatState
from server.signaling import messages
from server.signaling.room import caucus, consent, leading, media, own, showing
from server.signaling.room.effects import (
    AdmitSeat,
    AnswerConsent,
    Done,
    EndSession,
    GoLive,
    JoinMedia,
    LeaveMedia,
    MoveMedia,
    MoveSeat,
    NameSeat,
    OpenCaucus,
    PauseMedia,
    Recall,
    Refused,
    RefuseSeat,
    RemoveSeat,
    SendBackSeat,
)
from server.signaling.room.own import refuse

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from server.signaling.messages import AnyClientMessage, ErrorCode
    from server.signaling.room.effects import Act, Ask, Effect, LineId, Outcome
    from server.signaling.room.session import Session

_OWN: dict[type[Any], Callable[..., list[Effect]]] = {
    messages.Offer: own.on_offer,
    messages.Mute: own.on_mute,
    messages.Leave: own.on_leave,
    messages.Report: own.on_report,
    messages.Ping: own.on_ping,
    messages.Consent: consent.on_answer,
    messages.StopShowing: showing.on_stop_showing,
}
_BY_ROLE: dict[type[Any], Callable[..., list[Effect]]] = {
    messages.Admit: leading.on_admit,
    messages.Refuse: leading.on_refuse,
    messages.Remove: leading.on_remove,
    messages.Wait: leading.on_wait,
    messages.Silence: leading.on_silence,
    messages.End: leading.on_end,
    messages.Name: leading.on_name,
    messages.AskConsent: consent.on_ask,
    messages.Caucus: caucus.on_caucus,
    messages.Move: caucus.on_move,
    messages.Recall: caucus.on_recall,
    messages.ShowDocument: showing.on_show_document,
    messages.ShareScreen: showing.on_share_screen,
}
_WHILE_WAITING = (messages.Leave, messages.Ping)
_OUTCOMES: dict[type[Any], Callable[..., list[Effect]]] = {
    JoinMedia: media.on_join_outcome,
    LeaveMedia: media.on_leave_outcome,
    PauseMedia: media.on_pause_outcome,
    MoveMedia: caucus.on_move_outcome,
}
_DONE: dict[type[Any], Callable[..., list[Effect]]] = {
    AdmitSeat: leading.admitted,
    RefuseSeat: leading.refused,
    RemoveSeat: leading.removed,
    SendBackSeat: leading.sent_back,
    NameSeat: leading.named,
    MoveSeat: caucus.moved,
    Recall: caucus.recalled,
}


def receive(session: Session, line: LineId, message: AnyClientMessage, now: datetime) -> list[Effect]:
    """A client's message on a line that has joined. What a role may say is looked at each time."""
    person = session.of_line(line)
    if person is None or session.state == "ended":
        return []
    kind = type(message)
    if kind is messages.Join:
        return refuse(line, "bad_message", message.rid)
    if person.state is not SeatState.ADMITTED and kind not in _WHILE_WAITING:
        return refuse(line, "not_joined", message.rid)
    if kind in _OWN:
        return _OWN[kind](session, person, message, now)
    if str(kind.__struct_config__.tag) not in session.may(person):
        return refuse(line, "not_allowed", message.rid)
    return _BY_ROLE[kind](session, person, message, now)


def answered(session: Session, ask: Ask, outcome: Outcome, now: datetime) -> list[Effect]:
    """The worker answered a request, refused it, or is away (`Refused('away')`)."""
    if session.state == "ended":
        return []
    return _OUTCOMES[type(ask.request)](session, ask, ask.request, outcome, now)


def acted(session: Session, act: Act, outcome: Outcome, now: datetime) -> list[Effect]:
    """An act of the database is done, or was refused and nothing changed."""
    if isinstance(act.act, GoLive):
        session.going_live = False
        if not isinstance(outcome, Refused):
            session.state = "live" if session.state == "open" else session.state
        return []
    if isinstance(outcome, Refused):
        return refuse(act.line, _code(outcome.code), act.rid)
    if isinstance(act.act, EndSession):
        return session.ended(act.act.reason, now)
    facts = outcome.facts if isinstance(outcome, Done) else {}
    if isinstance(act.act, OpenCaucus):
        return caucus.opened(session, act.act, facts["room"]) if session.state != "ended" else []
    if isinstance(act.act, AnswerConsent):
        return consent.answered(session, act.act, facts) if session.state != "ended" else []
    return _DONE[type(act.act)](session, act.act, now) if session.state != "ended" else []


def _code(code: str) -> ErrorCode:
    known: dict[str, ErrorCode] = {"not_allowed": "not_allowed", "not_found": "not_found", "away": "service_away"}
    return known.get(code, "unexpected")
