"""An appointment as a calendar entry of each side (RFC 5545)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from schedules.core.ical import EventStatus, Feed, FeedEvent, render

if TYPE_CHECKING:
    from server.bookings.store import Booking

Side = Literal["citizen", "professional", "room"]
_NAMES = {
    "notarization": ("公证", "Notarization"),
    "mediation": ("调解", "Mediation"),
    "legal_aid": ("法律援助", "Legal aid"),
    "legal_advice": ("法律咨询", "Legal advice"),
}


def entry(booking: Booking, side: Side, english: bool) -> bytes:
    """The .ics file. A side sees whom it meets; the citizen's name stands in the professional's calendar only, their contact in none."""
    return render(Feed(_NAMES[booking.service][english], "", (event_of(booking, side, english),)))


def event_of(booking: Booking, side: Side, english: bool) -> FeedEvent:
    """One event; the same UID in all calendars of one side, SEQUENCE rises with each change."""
    service = _NAMES[booking.service][english]
    professional = booking.professional_en if english else booking.professional_zh
    place, room = (booking.place_en, booking.room_en) if english else (booking.place_zh, booking.room_zh)
    titles = {
        "citizen": f"{service} · {professional}",
        "professional": f"{service} · {booking.citizen_name}",
        "room": f"{service} · {professional}",
    }
    return FeedEvent(
        uid=f"booking-{booking.id}-{side}@laizuo",
        start=booking.start,
        end=booking.end,
        summary=titles[side],
        description="",
        location=f"{place} {room}".strip(),
        categories=(service,),
        status=EventStatus.CANCELLED if booking.state == "cancelled" else EventStatus.CONFIRMED,
        sequence=booking.revision,
        created=booking.made_at,
        changed=booking.changed_at,
        busy=True,
    )
