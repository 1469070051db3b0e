"""One text with all about it, and the tools page."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from .clock import WireTime
from .delivery import payload
from .frame import Frame, code, marked, moment, number, state_word, status_word, table
from .html import Markup, join, tag
from .magic import TABLE
from .masking import curl, masked_body, masked_form, masked_headers, masked_target
from .model import Call, Message, Report
from .texts import encoding, segments
from .words import _


class TextPage(Frame):
    """All about one text: the request that caused it, as curl, and its callbacks."""

    def message(self, message: Message) -> str:
        """All about one text: the request that caused it, as curl, and its callbacks."""
        call = self.state.calls.get(message.call_id)
        alphabet, units = encoding(message.text)
        facts = [
            (
                _("To"),
                tag(
                    "a", number(message.mobile, message.country), href=f"{self.base}/?mobile={message.mobile}"
                ),
            ),
            (_("From"), message.sender or "—"),
            (_("Channel"), message.channel),
            (_("Kind"), f"{message.kind}, {message.message_type}"),
            (_("Received"), moment(message.received_at)),
            (
                _("Length"),
                f"{units} {alphabet}, {segments(message.text, message.channel)} "
                + (_("segment") if segments(message.text, message.channel) == 1 else _("segments")),
            ),
            ("verificationId", tag("code", message.verification_id)),
            ("transactionId", tag("code", message.transaction_id)),
        ]
        text = tag(
            "section",
            tag("h1", _("Text {id}").format(id=message.id)),
            tag("blockquote", marked(message)),
            code(message),
            tag("dl", [join(tag("dt", name), tag("dd", value)) for name, value in facts]),
            class_="card",
        )
        parts = (text, self._callbacks(message), self._request(call))
        return self.frame(_("Text {id}").format(id=message.id), *parts, class_="detail")

    def _callbacks(self, message: Message) -> Markup:
        wire_time = WireTime(ZoneInfo(self.state.config.callback_timezone))
        rows = [self._report(report, message, wire_time) for report in message.reports]
        names = {
            "DELIVRD": _("Deliver"),
            "UNDELIV": _("Fail"),
            "EXPIRED": _("Expire"),
            "REJECTD": _("Reject"),
            "UNKNOWN": _("Unknown"),
        }
        buttons = [tag("button", names[s], name="status", value=s) for s in names]
        repeat = (
            tag("button", _("Repeat the last"), name="status", value="repeat") if message.reports else None
        )
        return tag(
            "section",
            tag("h2", _("Callbacks")),
            tag(
                "p",
                self.state.config.callback_url or _("No callback URL is set: nothing is posted."),
                class_="note",
            ),
            tag("ol", rows, class_="reports") if rows else tag("p", _("None planned."), class_="empty"),
            self.post(
                "do",
                tag("input", type="hidden", name="message", value=message.id),
                tag("input", type="hidden", name="action", value="report"),
                buttons,
                repeat,
            ),
            class_="card",
            id="callbacks",
        )

    def _report(self, report: Report, message: Message, wire_time: WireTime) -> Markup:
        tries = [
            tag(
                "li",
                moment(attempt.at),
                " ",
                tag("b", f"HTTP {attempt.http_status}" if attempt.http_status else _("no answer")),
                f" · {attempt.seconds * 1000:.1f} ms · ",
                tag("code", attempt.said or "—"),
            )
            for attempt in report.attempts
        ]
        body = json.dumps(payload(report, wire_time), indent=2)
        return tag(
            "li",
            tag(
                "p",
                tag("span", status_word(report.status), class_=f"status {report.status.lower()}"),
                tag("span", state_word(report.state), class_=f"state {report.state}"),
                moment(report.due_at),
            ),
            tag("ul", tries) if tries else None,
            tag("details", tag("summary", _("What is posted")), tag("pre", body)),
        )

    def _request(self, call: Call | None) -> Markup:
        if call is None:
            return tag(
                "section",
                tag("h2", _("Request")),
                tag("p", _("No longer kept."), class_="empty"),
                class_="card",
            )
        target = masked_target(call.target)
        path, _sep, query = target.partition("?")
        params = parse_qsl(query, keep_blank_values=True)
        command = curl(call, self.address)
        answer = _("HTTP {status}").format(status=call.http_status)
        return tag(
            "section",
            tag("h2", _("Request")),
            tag(
                "p",
                tag("b", call.method),
                " ",
                tag("code", path),
                " → ",
                answer,
                f", responseCode {call.code}" if call.code else None,
                f" ({call.failure})" if call.failure else None,
                class_="line",
            ),
            tag("h3", _("Parameters")) if params else None,
            table(params) if params else None,
            tag("h3", _("Headers")),
            table(masked_headers(call.headers)),
            self._body(call),
            tag(
                "h3",
                _("As curl"),
                " ",
                tag(
                    "button",
                    _("Copy"),
                    type="button",
                    class_="copy",
                    data_copy=command,
                    data_done=_("Copied"),
                    hidden=True,
                ),
            ),
            tag("pre", command),
            class_="card",
        )

    def _body(self, call: Call) -> Markup | None:
        form = masked_form(call)
        if form:
            return join(tag("h3", _("Form")), table(form))
        return join(tag("h3", _("Body")), tag("pre", masked_body(call.body))) if call.body else None


class ToolsPage(Frame):
    """Magic numbers, the clock, the settings in force."""

    def tools(self) -> str:
        """Magic numbers, the clock, the settings in force."""
        settings = self.state.config.as_json()
        offset = self.state.clock.offset
        actions = [
            ("minute", _("Clock: one minute on")),
            ("day", _("Clock: one day on")),
            ("tokens", _("Expire all tokens")),
            ("reset", _("Forget everything received")),
        ]
        buttons = [
            tag(
                "button",
                label,
                name="action",
                value=value,
                class_="danger" if value == "reset" else None,
                data_confirm=_("Forget all texts, codes, callbacks and counts?")
                if value == "reset"
                else None,
            )
            for value, label in actions
        ]
        now = join(moment(self.state.clock.now()), f" ({offset:+.0f} s)" if offset else None)
        magic = [
            tag(
                "tr",
                tag("td", tag("a", number(m.mobile, "91"), href=f"{self.base}/?mobile={m.mobile}")),
                tag("td", _(m.says)),
            )
            for m in TABLE
        ]
        return self.frame(
            _("Tools"),
            tag(
                "section",
                tag("h1", _("Tools")),
                tag("p", _("The sandbox's clock:"), " ", now),
                self.post("do", buttons),
                class_="card",
            ),
            tag(
                "section",
                tag("h2", _("Magic numbers")),
                tag("p", _("Send to one of these and it goes as the table says, every time."), class_="note"),
                tag("table", tag("tbody", magic)),
                class_="card",
            ),
            tag(
                "section",
                tag("h2", _("Settings")),
                tag(
                    "p",
                    _("Change them by POST of a JSON object to"),
                    " ",
                    tag("code", f"{self.base}/config"),
                    class_="note",
                ),
                table([(name, json.dumps(value)) for name, value in settings.items()]),
                class_="card",
            ),
            class_="detail",
        )
