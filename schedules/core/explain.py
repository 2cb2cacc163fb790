"""Reasons in words, Chinese and English: why this person, why this day, what is wrong, how days were counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from schedules.core.calendar_days import Arithmetic, Day, DayKind, Status
from schedules.core.model import (
    CHINA,
    Because,
    DayBecause,
    Obstacle,
    Passed,
    PersonId,
    Seat,
    Slot,
    Warning,
    WarningCode,
)


class Language(Enum):
    """The two languages everything is said in."""

    ZH = "zh-CN"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """One thing in both languages."""

    zh: str
    en: str

    def __getitem__(self, language: Language) -> str:
        return self.zh if language is Language.ZH else self.en


NOBODY = Words("（不详）", "(unknown)")

SERVICES = {
    "notarization": Words("公证", "Notarization"),
    "mediation": Words("人民调解", "People's mediation"),
    "legal_aid": Words("法律援助", "Legal aid"),
    "legal_advice": Words("法律咨询", "Legal advice"),
}
ROLES = {
    "notary": Words("公证员", "notary"),
    "notary_assistant": Words("公证员助理", "notary assistant"),
    "mediator": Words("调解员", "mediator"),
    "lawyer": Words("律师", "lawyer"),
    "lawyer_assistant": Words("律师助理", "lawyer's assistant"),
    "site_worker": Words("工作人员", "site worker"),
}
_WEEKDAYS_ZH = "一二三四五六日"
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_OBSTACLES = {
    Obstacle.ON_LEAVE: Words("请假", "is on leave"),
    Obstacle.DOUBLE_BOOKED: Words("同一时间另有值班", "is on duty elsewhere at that time"),
    Obstacle.UNLICENSED: Words("没有所需的有效执业资格", "holds no valid licence for it"),
    Obstacle.NOT_MEMBER: Words("当日不在队伍中", "is not in the team on that day"),
    Obstacle.UNKNOWN: Words("查无此人", "is not known"),
    Obstacle.NOT_RESTED: Words("两天值班之间休息不足", "would not have rested enough between two days"),
    Obstacle.TOO_FAR: Words("赶不及从另一值班地点过来", "would still be on the way from or to another duty"),
    Obstacle.TOO_MANY_DAYS: Words("本周值班天数已满", "has served this week's days already"),
}
_WARNINGS = {
    WarningCode.GAP: Words("无人值守：{role}", "Nobody serves as {role}"),
    WarningCode.DOUBLE_BOOKED: Words("{person}同一时间排了两处", "{person} is booked twice at this time"),
    WarningCode.ON_LEAVE: Words("{person}这时请假", "{person} is on leave at this time"),
    WarningCode.UNLICENSED: Words("{person}没有所需的有效执业资格", "{person} holds no valid licence for it"),
    WarningCode.NOT_MEMBER: Words("{person}当日不在队伍中", "{person} is not in the team on that day"),
    WarningCode.UNKNOWN: Words("名单中有查无此人的编号", "The roster names somebody who is not known"),
    WarningCode.HOLIDAY: Words("这天是法定节假日", "This is a statutory holiday"),
    WarningCode.PROVISIONAL: Words(
        "当年放假通知未公布，日期暂定", "The holiday notice of this year is not out: provisional"
    ),
    WarningCode.NOT_RESTED: Words(
        "{person}两天值班之间休息不足", "{person} does not rest enough between two days' duties"
    ),
    WarningCode.TOO_FAR: Words(
        "{person}赶不及从另一值班地点过来", "{person} cannot travel between two duties in that time"
    ),
    WarningCode.TOO_MANY_DAYS: Words("{person}本周值班天数超限", "{person} serves on too many days of this week"),
    WarningCode.LICENCE_ENDS: Words(
        "{person}的执业资格30天内到期，请及时换证", "The licence of {person} expires within 30 days: renew it"
    ),
    WarningCode.SITE_CLOSED: Words("不在网点开放时间内", "Outside of the site's opening hours"),
    WarningCode.NOT_OFFERED: Words("该网点不提供此项服务", "The site does not offer this service"),
    WarningCode.QUOTA_USED_UP: Words("超出购买服务的场次", "More shifts than were purchased"),
    WarningCode.OVERRIDE_REFUSED: Words("{person}不能替班，替班未生效", "{person} cannot substitute; not applied"),
    WarningCode.OVERRIDE_LOST: Words("这一班已不在轮值表中，调整未生效", "Its shift is no longer in the roster"),
}
_DAYS = {
    DayBecause.FIXED_WEEKDAY: Words("固定在{weekday} {times}值守", "fixed on {weekday}s, {times}"),
    DayBecause.MAKEUP_WORKDAY: Words(
        "{date}是调休上班日，按规则照常值守（{times})",
        "{date} is a make-up workday, which this rotation serves ({times})",
    ),
    DayBecause.HOLIDAY_SERVED: Words(
        "{date}是法定节假日，按规则仍值守（{times})",
        "{date} is a statutory holiday, which this rotation serves ({times})",
    ),
}
_KINDS = {
    DayKind.WORKING: Words("工作日", "working day"),
    DayKind.WEEKEND: Words("周末", "weekend"),
    DayKind.HOLIDAY: Words("放假", "holiday"),
    DayKind.MAKEUP: Words("调休上班", "make-up workday"),
}
_UNSURE = {
    Status.PROVISIONAL: Words(
        "当年放假通知未公布，结果暂定。", "The notice of that year is not out; this is provisional."
    ),
    Status.ASSUMED: Words("没有当年的放假数据，按周一至周五计。", "No data for that year; Monday to Friday assumed."),
}

People = Mapping[PersonId, Words]


def name_of(people: People, person: PersonId | None, language: Language) -> str:
    """A person's name, or a stand-in if we do not know it."""
    return NOBODY[language] if person is None else people.get(person, NOBODY)[language]


def service_name(code: str, language: Language) -> str:
    return SERVICES[code][language] if code in SERVICES else code


def role_name(code: str, language: Language) -> str:
    return ROLES[code][language] if code in ROLES else code


def weekday_name(on: date, language: Language) -> str:
    if language is Language.ZH:
        return f"周{_WEEKDAYS_ZH[on.weekday()]}"
    return _WEEKDAYS_EN[on.weekday()]


def day_name(on: date, language: Language) -> str:
    """10月10日 / 10 Oct."""
    return f"{on.month}月{on.day}日" if language is Language.ZH else f"{on.day} {_MONTHS_EN[on.month - 1]}"


def local_day(at: datetime) -> date:
    """The local date of an instant."""
    return at.astimezone(CHINA).date()


def clock(at: datetime) -> str:
    """Local time of an instant, HH:MM."""
    return at.astimezone(CHINA).strftime("%H:%M")


def times(slot: Slot) -> str:
    return f"{clock(slot.during.start)}-{clock(slot.during.end)}"


def why_this_day(slot: Slot, language: Language) -> str:
    """Why there is a shift on this day."""
    return _DAYS[slot.day_because][language].format(
        weekday=weekday_name(slot.day, language), times=times(slot), date=day_name(slot.day, language)
    )


def why_this_person(seat: Seat, people: People, language: Language) -> str:
    """Why this post is held by whom it is held."""
    why = seat.why
    name = name_of(people, seat.person, language)
    passed = _passed(why.passed, people, language)
    if why.because is Because.OVERRIDE:
        note = f"：{why.note}" if language is Language.ZH else f": {why.note}"
        text = Words(f"由协调员指定{name}", f"{name} was named by the coordinator")[language]
        return text + (note if why.note else "")
    if why.because is Because.GAP:
        return Words(f"无人可值：{passed}", f"Nobody can serve: {passed}")[language]
    position, turn = (why.position or 0) + 1, why.turn + 1
    if why.because is Because.TURN:
        return Words(
            f"第{turn}轮，轮到{name}（共{why.members}组，第{position}组）",
            f"Turn {turn}: {name} is next (entry {position} of {why.members})",
        )[language]
    hours = f"{round((why.served or 0) / 60, 1):g}"
    if why.because is Because.CHOSEN:
        return Words(
            f"统筹排班选定{name}：今年此前累计{hours}小时；这样安排全年最均衡、变动最少",
            f"{name} was chosen by the planner, with {hours} h in the year before this: "
            "the whole period is most even so, with the fewest changes",
        )[language]
    if why.because is Because.LEAST:
        before = _passed(why.passed, people, language) + Words("；", "; ")[language] if why.passed else ""
        return Words(
            f"{before}能到的人中{name}今年累计最少（{hours}小时，节假日按三倍、路程计入）",
            f"{before}{name} has borne least this year of those free ({hours} h, holidays threefold, ways counted)",
        )[language]
    return Words(
        f"第{turn}轮：{passed}；由{name}替班，能到的人中已值时间最少（{hours}小时）",
        f"Turn {turn}: {passed}; {name} stands in, having served least of those free ({hours} h)",
    )[language]


def _passed(passed: tuple[Passed, ...], people: People, language: Language) -> str:
    if not passed:
        return Words("没有排班成员", "the rotation has no members")[language]
    joint = "" if language is Language.ZH else " "
    parts = [name_of(people, p.person, language) + joint + _OBSTACLES[p.obstacle][language] for p in passed]
    return Words("、".join(parts), ", ".join(parts))[language]


def warning_words(warning: Warning, slot: Slot | None, people: People, language: Language) -> str:
    """One finding as a sentence; `slot` is the one it is about, if it is still in the roster."""
    role = slot.seats[warning.post].role if slot is not None and warning.post < len(slot.seats) else ""
    return _WARNINGS[warning.code][language].format(
        role=role_name(role, language), person=name_of(people, warning.person, language)
    )


def arithmetic_words(arithmetic: Arithmetic, language: Language) -> str:
    """How working days were counted, with every day that is not what its weekday says.

    "3 working days after 9 Oct end on 13 Oct: 10 Oct is a make-up workday (National Day); ...".
    """
    n, start, end = len(arithmetic.counted), arithmetic.start, arithmetic.end
    head = Words(
        f"{day_name(start, language)}后第{n}个工作日是{day_name(end, language)}",
        f"{n} working day{'s' if n != 1 else ''} after {day_name(start, language)} end on {day_name(end, language)}",
    )[language]
    special = [day for day in (*arithmetic.counted, *arithmetic.left_out) if day.zh]
    special.sort(key=lambda day: day.date)
    notes = [_special_day(day, language) for day in special]
    text = head + "".join(Words(f"；{note}", f"; {note}")[language] for note in notes)
    unsure = _UNSURE.get(arithmetic.status)
    ending = "" if unsure is None else Words(unsure.zh, f" {unsure.en}")[language]
    return text + Words("。", ".")[language] + ending


def _special_day(day: Day, language: Language) -> str:
    when, kind = day_name(day.date, language), _KINDS[day.kind][language]
    return Words(f"{when}{day.zh}{kind}", f"{when} is a {kind} ({day.en})")[language]
