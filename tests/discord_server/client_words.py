"""What a Discord client itself says, in two languages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a client; `{}` is where something goes."""

    used: str
    edited: str
    thinking: str
    only_you: str
    ahead: str
    ago: str
    units: tuple[str, ...]
    """Year, month, day, hour, minute, second; `{}` is the number, `{s}` the ending of many."""
    clock: str
    date: str
    long_date: str
    between: str
    """What stands between a date and a time."""
    choose: str
    cancel: str
    submit: str
    optional: str


ENGLISH = Words(
    used="{} used {}",
    edited="(edited)",
    thinking="{} is thinking…",
    only_you="Only you can see this · Dismiss message",
    ahead="in {}",
    ago="{} ago",
    units=("{} year{s}", "{} month{s}", "{} day{s}", "{} hour{s}", "{} minute{s}", "{} second{s}"),
    clock="%H:%M",
    date="%m/%d/%Y",
    long_date="%B %d, %Y",
    between=" at ",
    choose="Make a selection",
    cancel="Cancel",
    submit="Submit",
    optional="(optional)",
)

CHINESE = Words(
    used="{} 使用了 {}",
    edited="（已编辑）",
    thinking="{} 正在思考…",
    only_you="只有您能看到此消息 · 忽略消息",
    ahead="{}后",
    ago="{}前",
    units=("{} 年", "{} 个月", "{} 天", "{} 小时", "{} 分钟", "{} 秒"),
    clock="%H:%M",
    date="%Y/%m/%d",
    long_date="%Y年%m月%d日",
    between=" ",
    choose="请选择",
    cancel="取消",
    submit="提交",
    optional="（可选）",
)

LANGUAGES = {"zh-CN": CHINESE}
"""By locale; any other client speaks English here."""
