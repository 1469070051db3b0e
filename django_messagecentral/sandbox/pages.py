"""The inbox: all phones, and the texts of one."""

from __future__ import annotations

from itertools import islice
from urllib.parse import quote

from .frame import Frame, code, marked, moment, number, status_word
from .html import Markup, join, tag
from .magic import magic_of
from .model import Message
from .texts import segments
from .words import _

PHONES = 100
TEXTS = 50
SEARCHED = 50_000


class InboxPage(Frame):
    """The page a developer keeps open."""

    def inbox(self, mobile: str = "", search: str = "") -> str:
        """All phones, and the texts of one."""
        found = self._phones(search)
        if not mobile and found:
            shown = found[0].mobile
        else:
            shown = mobile
        chosen = bool(mobile)
        phones = tag("section", self._phone_list(found, shown, search), id="phones", aria_label=_("Phones"))
        thread = tag("section", self._thread(shown, search), id="thread", aria_label=_("Texts"))
        title = _("Inbox") if not mobile else f"+{mobile}"
        return self.frame(title, phones, thread, search=search, class_="inbox chosen" if chosen else "inbox")

    def _phones(self, search: str) -> list[Message]:
        """The newest text of each phone (that matches), newest first."""
        wanted = search.casefold().strip()
        digits = (
            "".join(char for char in wanted if char.isdigit()) if not any(c.isalpha() for c in wanted) else ""
        )
        found: dict[str, Message] = {}
        for message in islice(reversed(self.state.messages.values()), SEARCHED):
            if message.mobile in found:
                continue
            if not wanted or wanted in message.text.casefold() or (digits and digits in message.mobile):
                found[message.mobile] = message
                if len(found) >= PHONES:
                    break
        return list(found.values())

    def _phone_list(self, found: list[Message], shown: str, search: str) -> Markup:
        if not found:
            hint = _("No text matches.") if search else _("No texts yet. What your site sends appears here.")
            return tag("p", hint, class_="empty")
        query = f"&q={quote(search)}" if search else ""
        rows = [
            tag(
                "li",
                tag(
                    "a",
                    tag(
                        "span",
                        message.mobile[-2:],
                        class_=f"face hue{int(message.mobile[-4:]) % 8}",
                        aria_hidden="true",
                    ),
                    tag(
                        "span",
                        tag(
                            "span",
                            tag("b", number(message.mobile, message.country)),
                            moment(message.received_at),
                            class_="top",
                        ),
                        tag("span", message.text, class_="last"),
                        class_="words",
                    ),
                    href=f"{self.base}/?mobile={message.mobile}{query}",
                    aria_current="true" if message.mobile == shown else None,
                ),
            )
            for message in found
        ]
        total = len(self.state.inboxes)
        more = tag(
            "p",
            _("The {n} newest of {total} phones.").format(n=len(found), total=f"{total:,}"),
            class_="note",
        )
        return join(tag("ol", rows, class_="phones"), more if total > len(found) and not search else None)

    def _thread(self, mobile: str, search: str) -> Markup:
        texts = self.state.inboxes.get(mobile, [])
        if not texts and search and not mobile:
            return tag("p", class_="empty")
        if not texts:
            said = _("This phone has received nothing.") if mobile else _("Choose a phone.")
            return tag("p", said, class_="empty")
        newest = texts[-1]
        magic = magic_of(mobile)
        head = tag(
            "div",
            tag(
                "a",
                "‹",
                href=f"{self.base}/" + (f"?q={quote(search)}" if search else ""),
                class_="back",
                aria_label=_("All phones"),
            ),
            tag("h1", number(mobile, newest.country)),
            tag("p", _("Magic number:"), " ", _(magic.says), class_="magic") if magic else None,
            self.post(
                "do",
                tag("input", type="hidden", name="mobile", value=mobile),
                tag("button", _("Clear"), name="action", value="clear", class_="quiet"),
            ),
            class_="phonehead",
        )
        older = len(texts) - TEXTS
        note = (
            tag("p", _("{n} older texts are not shown.").format(n=f"{older:,}"), class_="note")
            if older > 0
            else None
        )
        bubbles = [self._bubble(message) for message in reversed(texts[-TEXTS:])]
        return tag("div", head, tag("ol", bubbles, class_="texts"), note, class_="phone")

    def _bubble(self, message: Message) -> Markup:
        count = segments(message.text, message.channel)
        return tag(
            "li",
            tag(
                "p",
                tag("b", message.sender or "—"),
                tag("span", message.channel, class_=f"chip {message.channel.lower()}"),
                moment(message.received_at),
                class_="from",
            ),
            tag("p", marked(message), class_="text"),
            code(message),
            tag(
                "p",
                tag("span", status_word(message.status), class_=f"status {message.status.lower()}"),
                tag("span", _("1 segment") if count == 1 else _("{n} segments").format(n=count)),
                tag("a", _("Request and callbacks"), href=f"{self.base}/message?id={message.id}"),
                class_="facts",
            ),
            id=f"text{message.id}",
        )
