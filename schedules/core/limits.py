"""The legal limits that somebody can have in the own calendar: which clock each is, with its source, and what it says of one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from schedules.core.calendar_days import Calendar
from schedules.core.clocks import Clock, Count, Pause, Run, run, run_words
from schedules.core.event_feeds import Limit
from schedules.core.explain import Language, Words


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of limit."""

    name: Words
    clock: Clock


def _rule(zh: str, en: str, days: int, count: Count, source_zh: str, source_en: str) -> Rule:
    return Rule(Words(zh, en), Clock(days, count, Words(source_zh, source_en)))


_COURT = ("人民法院在线调解规则", "Online Mediation Rules of the People's Courts")
RULES: Mapping[str, Rule] = {
    "notary_certificate": _rule(
        "出具公证书", "Notarial certificate", 15, Count.WORKING, "公证法第三十条", "Notary Law art. 30"
    ),
    "appoint_mediator": _rule(
        "确定调解员", "Appoint a mediator", 3, Count.WORKING, f"{_COURT[0]}第十条", f"{_COURT[1]} art. 10"
    ),
    "ask_other_party": _rule(
        "征询对方意见", "Ask the other party", 3, Count.WORKING, f"{_COURT[0]}第十五条", f"{_COURT[1]} art. 15"
    ),
    "mediation": _rule(
        "诉前调解", "Mediation before a suit", 30, Count.CALENDAR, f"{_COURT[0]}第二十四条", f"{_COURT[1]} art. 24"
    ),
    "judicial_confirmation": _rule(
        *("申请司法确认", "Ask for judicial confirmation", 30, Count.CALENDAR),
        *("人民调解法第三十三条", "People's Mediation Law art. 33"),
    ),
    "legal_aid_decision": _rule(
        "法律援助审查决定", "Decide on legal aid", 7, Count.CALENDAR, "法律援助法第四十三条", "Legal Aid Law art. 43"
    ),
    "bad_rating": _rule(
        "差评整改",
        "Answer a bad rating",
        15,
        Count.WORKING,
        "服务承诺（各地不同）",
        "pledge of service (differs by place)",
    ),
}
"""Lengths and articles as in the product's table of legal clocks; a bad rating's is a pledge and differs from place to place."""


@dataclass(frozen=True, slots=True)
class Case:
    """A limit of one case as it is kept. `told` is the due day that the calendar shows; None: none."""

    id: str
    rule: str
    reference: str
    starts: date
    pauses: tuple[Pause, ...]
    ended_on: date | None
    told: date | None
    sequence: int
    made_at: datetime
    changed_at: datetime

    @property
    def stands_still(self) -> bool:
        return any(pause.last is None for pause in self.pauses)


def run_of(case: Case, calendar: Calendar) -> Run:
    """How the case's clock runs by these days."""
    return run(RULES[case.rule].clock, case.starts, case.pauses, calendar)


def limit_of(case: Case, calendar: Calendar) -> Limit | None:
    """The event of the calendar; None once it is done, and while it stands still, because no day is known then."""
    ran = run_of(case, calendar)
    if case.ended_on is not None or ran.due is None:
        return None
    name = RULES[case.rule].name
    return Limit(
        case.id,
        Words(f"{name.zh}期限 {case.reference}", f"{name.en} due, {case.reference}"),
        ran.due,
        Words(run_words(ran, Language.ZH), run_words(ran, Language.EN)),
        case.sequence,
        case.made_at,
        case.changed_at,
    )
