"""What the inbox's pages share: the frame, the bar, and how things are shown."""

from __future__ import annotations

from datetime import UTC, datetime

from .clock import iso
from .html import Markup, join, tag
from .model import Message
from .state import State
from .words import _, language


def number(mobile: str, country: str) -> str:
    """``+91 98765 43210``: easier on the eye than digits."""
    national = mobile[len(country) :]
    half = (len(national) + 1) // 2
    return f"+{country} {national[:half]} {national[half:]}"


def moment(seconds: float) -> Markup:
    """A time; the page's script shows it in the reader's own zone."""
    text = datetime.fromtimestamp(seconds, UTC).strftime("%d %b %H:%M:%S UTC")
    return tag("time", text, datetime=iso(seconds))


def status_word(status: str) -> str:
    """A delivery status for people."""
    return {
        "sent": _("sent"),
        "DELIVRD": _("delivered"),
        "UNDELIV": _("undelivered"),
        "EXPIRED": _("expired"),
        "REJECTD": _("rejected"),
        "UNKNOWN": _("unknown"),
    }[status]


def state_word(state: str) -> str:
    """What became of a callback, for people."""
    return {
        "pending": _("not yet due"),
        "posting": _("being posted"),
        "answered": _("taken"),
        "failed": _("given up"),
        "unposted": _("not posted: no callback URL is set"),
    }[state]


def code(message: Message) -> Markup | None:
    """The OTP to copy, or None for a text without one."""
    if message.otp is None:
        return None
    copy = tag(
        "button",
        _("Copy"),
        type="button",
        class_="copy",
        data_copy=message.otp,
        data_done=_("Copied"),
        hidden=True,
    )
    return tag("p", tag("code", message.otp), copy, class_="otp")


def marked(message: Message) -> Markup:
    """The text with its OTP picked out."""
    if message.otp is None or message.otp not in message.text:
        return join(message.text)
    before, _sep, after = message.text.partition(message.otp)
    return join(before, tag("mark", message.otp), after)


def table(rows: list[tuple[str, str]]) -> Markup:
    """Names and values."""
    lines = [tag("tr", tag("th", name, scope="row"), tag("td", tag("code", value))) for name, value in rows]
    return tag("table", tag("tbody", lines))


class Frame:
    """What all pages share. ``base`` is where the sandbox is mounted, without a slash at its end."""

    def __init__(self, state: State, base: str, origin: str = "") -> None:
        self.state = state
        self.address = origin + base
        self.base = f"{base}/_sandbox"

    def frame(self, title: str, *content: object, search: str = "", class_: str = "") -> str:
        """A whole page."""
        head = tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("title", f"{title} · Message Central sandbox"),
            tag("link", rel="icon", href=f"{self.base}/static/icon.svg", type="image/svg+xml"),
            tag("link", rel="stylesheet", href=f"{self.base}/static/inbox.css"),
            tag("script", src=f"{self.base}/static/inbox.js", defer=True),
        )
        body = tag(
            "body",
            tag("a", _("Skip to the texts"), href="#content", class_="skip"),
            self._bar(search),
            tag("main", *content, id="content", class_=class_ or None),
            data_changes=f"{self.base}/changes",
            data_version=self.state.version,
        )
        return "<!DOCTYPE html>" + tag("html", head, body, lang=language())

    def _bar(self, search: str) -> Markup:
        counts = self.state.stats()
        callbacks = counts["callbacks"]
        waiting = callbacks["pending"] + callbacks["posting"]
        return tag(
            "header",
            tag(
                "a",
                tag("span", class_="logo", aria_hidden="true"),
                tag("span", "Sandbox", class_="name"),
                href=f"{self.base}/",
                class_="brand",
            ),
            tag(
                "form",
                tag(
                    "input",
                    type="search",
                    name="q",
                    value=search,
                    placeholder=_("Number or words of a text"),
                    aria_label=_("Search"),
                    autocomplete="off",
                ),
                tag("button", _("Search"), class_="quiet"),
                action=f"{self.base}/",
                method="get",
                role="search",
            ),
            tag(
                "p",
                tag("span", tag("b", f"{counts['texts_received']:,}"), " ", _("texts")),
                tag("span", tag("b", f"{waiting:,}"), " ", _("callbacks waiting")) if waiting else None,
                tag("span", tag("b", f"{callbacks['failed']:,}"), " ", _("callbacks failed"), class_="bad")
                if callbacks["failed"]
                else None,
                id="counts",
            ),
            tag(
                "nav",
                tag("a", _("Tools"), href=f"{self.base}/tools"),
                tag("a", _("Reload"), href="", class_="reload"),
            ),
            class_="bar",
        )

    def post(self, action: str, *content: object) -> Markup:
        return tag("form", *content, action=f"{self.base}/{action}", method="post")
