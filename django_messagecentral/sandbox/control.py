"""The control API under ``/_sandbox/``: what phones received, counts, settings, clock, tokens, waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

from .answers import Answer, json_answer, problem
from .clock import WireTime, iso
from .config import STATUSES, ConfigError
from .delivery import make_report
from .magic import TABLE
from .model import Message
from .openapi import document
from .params import BadBodyError, Request, read_json
from .shown import message_json, report_json
from .state import State
from .tokens import DASHBOARD_LIFETIME

ROOT = "/_sandbox"
MAX_WAIT = 60.0


class WrongInputError(ValueError):
    """The request of the control API cannot be understood; the text says what to do."""


class ControlApi:
    """Answers ``/_sandbox/...`` over a State. Every body is a JSON object, every answer JSON."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/messages"): self.get_messages,
            ("GET", "/callbacks"): self.get_callbacks,
            ("GET", "/stats"): lambda request: json_answer(state.stats()),
            ("GET", "/config"): lambda request: json_answer(state.config.as_json()),
            ("POST", "/config"): self.post_config,
            ("POST", "/reset"): self.post_reset,
            ("POST", "/clear"): self.post_clear,
            ("GET", "/clock"): self.get_clock,
            ("POST", "/clock"): self.post_clock,
            ("POST", "/tokens"): self.post_tokens,
            ("POST", "/tokens/expire"): self.post_expire,
            ("GET", "/wait"): self.get_wait,
            ("GET", "/changes"): self.get_changes,
            ("GET", "/magic"): self.get_magic,
            ("POST", "/report"): self.post_report,
            ("GET", "/openapi.json"): lambda request: json_answer(document("1")),
        }

    def handle(self, request: Request) -> Answer | None:
        """The answer, or None for a path that is not the control API's."""
        if not request.path.startswith(ROOT):
            return None
        path = request.path.removeprefix(ROOT).rstrip("/")
        method = "GET" if request.method == "HEAD" else request.method
        view = self.routes.get((method, path))
        if view is None:
            known = any(route == path for _, route in self.routes)
            return problem(405, "not by this method") if known and path else None
        if request.method == "POST" and from_another_site(request):
            return problem(403, "a page of another site may not do this")
        try:
            return view(request)
        except (WrongInputError, BadBodyError, ConfigError) as exc:
            return problem(400, str(exc))

    # Reading

    def messages(
        self, mobile: str | None = None, limit: int | None = None, before: int | None = None
    ) -> list[dict[str, Any]]:
        """Texts newest first, of one phone or of all; at most ``limit``, only ids below ``before``."""
        with self.state.lock:
            if mobile is None:
                newest_first: Iterator[Message] = reversed(self.state.messages.values())
            else:
                newest_first = reversed(self.state.inboxes.get(mobile, []))
            found: list[dict[str, Any]] = []
            for message in newest_first:
                if limit is not None and len(found) >= limit:
                    break
                if before is None or message.id < before:
                    found.append(message_json(message))
            return found

    def get_messages(self, request: Request) -> Answer:
        """``?mobile=`` (country code and number, digits) ``&limit=&before=``."""
        params = request.query_params()
        mobile = digits(params["mobile"]) if "mobile" in params else None
        limit = whole(params, "limit", 1000 if mobile is None else None)
        return json_answer(self.messages(mobile, limit, whole(params, "before", None)))

    def get_callbacks(self, request: Request) -> Answer:
        """``?message=`` or ``?mobile=``: reports, oldest first; without either the newest ``limit``."""
        params = request.query_params()
        state, wire_time = self.state, self.wire_time()
        if "message" in params:
            message = state.messages.get(whole(params, "message", 0) or 0)
            chosen = [message] if message else []
        elif "mobile" in params:
            chosen = state.inboxes.get(digits(params["mobile"]), [])
        else:
            chosen_reports = list(state.reports.values())[-(whole(params, "limit", 1000) or 1) :]
            return json_answer([report_json(report, wire_time) for report in chosen_reports])
        return json_answer([report_json(r, wire_time) for message in chosen for r in message.reports])

    def wire_time(self) -> WireTime:
        """Writes times as callbacks do, in the configured zone."""
        return WireTime(ZoneInfo(self.state.config.callback_timezone))

    def get_magic(self, request: Request) -> Answer:
        """The table of magic numbers."""
        return json_answer(
            [
                {"mobile": m.mobile, "national": m.national, "on": m.on, "does": m.does, "says": m.says}
                for m in TABLE
            ]
        )

    # Changing

    def post_config(self, request: Request) -> Answer:
        """Change settings; answers all of them."""
        return json_answer(self.state.configure(**body_of(request)).as_json())

    def post_reset(self, request: Request) -> Answer:
        """Forget phones, codes, reports and counts; ``{"seed": 7}`` begins the draws anew from a seed."""
        seed = body_of(request).get("seed")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise WrongInputError("seed: use a whole number")
        self.state.reset(seed)
        return json_answer({"ok": True})

    def post_clear(self, request: Request) -> Answer:
        """``{"mobile": "919876543210"}``: empty one inbox and end its living code."""
        mobile = digits(str(body_of(request).get("mobile", "")))
        return json_answer({"ok": True, "texts": self.state.clear(mobile)})

    def get_clock(self, request: Request) -> Answer:
        """The sandbox's time and its distance from the real one in seconds."""
        return json_answer({"now": iso(self.state.clock.now()), "offset": self.state.clock.offset})

    def post_clock(self, request: Request) -> Answer:
        """``{"move": 61}``: move the clock by so many seconds."""
        seconds = body_of(request).get("move")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not abs(seconds) <= 1e9:
            raise WrongInputError('move: use a number of seconds, as in {"move": 61}')
        self.state.move_clock(float(seconds))
        return self.get_clock(request)

    def post_tokens(self, request: Request) -> Answer:
        """A ready token as the dashboard makes them: five years, unless ``{"lifetime": seconds}``."""
        body = body_of(request)
        customer = body.get("customerId", next(iter(self.state.config.accounts), ""))
        lifetime = body.get("lifetime", DASHBOARD_LIFETIME)
        if (
            not isinstance(customer, str)
            or isinstance(lifetime, bool)
            or not isinstance(lifetime, int | float)
        ):
            raise WrongInputError("customerId: a text; lifetime: a number of seconds")
        if not 0 < lifetime <= 1e9:
            raise WrongInputError("lifetime: more than 0, up to 1e9 seconds")
        return json_answer({"token": self.state.tokens.issue(customer, self.state.clock.now(), lifetime)})

    def post_expire(self, request: Request) -> Answer:
        """Expire every token now, or the one named by ``{"token": ...}``."""
        token = body_of(request).get("token")
        if token is not None and not isinstance(token, str):
            raise WrongInputError("token: a text")
        self.state.end_tokens(token)
        return json_answer({"ok": True})

    def post_report(self, request: Request) -> Answer:
        """``{"message": 12, "status": "UNDELIV"}`` (or "repeat"): report a delivery now, by hand."""
        body = body_of(request)
        number, status = body.get("message"), body.get("status")
        message = self.state.messages.get(number) if isinstance(number, int) else None
        if message is None or (status not in STATUSES and not (status == "repeat" and message.reports)):
            raise WrongInputError(f"message: the id of a text; status: {', '.join(STATUSES)} or repeat")
        if status == "repeat":
            self.repeat(message)
        else:
            self.report_now(message, str(status))
        return json_answer({"ok": True})

    def report_now(self, message: Message, status: str) -> None:
        """Plan a report that is due now."""
        callback_id = message.reports[0].callback_id if message.reports else message.transaction_id
        now = self.state.clock.now()
        self.state.add_report(message, make_report(message, callback_id, status, due_at=now, done_at=now))
        self.state.changed()

    def repeat(self, message: Message) -> None:
        """Post a text's last report once more, word for word."""
        last = message.reports[-1]
        again = make_report(message, last.callback_id, last.status, due_at=0.0, done_at=last.done_at)
        again.due_at = self.state.clock.now()
        self.state.add_report(message, again)
        self.state.changed()

    # Waiting

    def get_wait(self, request: Request) -> Answer:
        """``?mobile=&after=&timeout=``: waits until that phone has a text with an id above ``after``.

        Answers the newest such text, or 204 when ``timeout`` seconds (10, at most 60) have passed.
        """
        params = request.query_params()
        mobile, after = digits(params.get("mobile", "")), whole(params, "after", 0) or 0

        def look() -> Answer | None:
            with self.state.lock:
                inbox = self.state.inboxes.get(mobile)
                if inbox and inbox[-1].id > after:
                    return json_answer(message_json(inbox[-1]))
            return None

        return look() or Answer(204, poll=look, poll_seconds=_timeout(params, 10.0))

    def get_changes(self, request: Request) -> Answer:
        """``?since=VERSION&timeout=``: waits until anything changes; answers ``{"version": n}``."""
        params = request.query_params()
        since = whole(params, "since", -1)

        def look() -> Answer | None:
            version = self.state.version
            return json_answer({"version": version}) if version != since else None

        waiting = json_answer({"version": self.state.version})
        waiting.poll, waiting.poll_seconds = look, _timeout(params, 25.0)
        return look() or waiting


def from_another_site(request: Request) -> bool:
    """True if a browser says that a page of another site sends this."""
    if request.header("sec-fetch-site") in ("cross-site", "same-site"):
        return True
    origin = request.header("origin").lower()
    return bool(origin) and origin.partition("://")[2] != request.header("host").lower()


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object of a body; an empty body is an empty object."""
    if not request.body.strip():
        return {}
    body = read_json(request)
    if not isinstance(body, dict):
        raise WrongInputError("the body must be a JSON object")
    return body


def digits(raw: str) -> str:
    """A whole number in digits; a plus before it is let pass."""
    text = raw.strip().removeprefix("+")
    if not (text.isascii() and text.isdigit()):
        raise WrongInputError("mobile: country code and number, digits only, as in 919876543210")
    return text


def whole(params: dict[str, str], name: str, otherwise: int | None) -> int | None:
    """A whole number among the parameters."""
    raw = params.get(name)
    if raw is None:
        return otherwise
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 18):
        raise WrongInputError(f"{name}: use a whole number")
    return int(raw)


def _timeout(params: dict[str, str], otherwise: float) -> float:
    raw = params.get("timeout")
    if raw is None:
        return otherwise
    try:
        seconds = float(raw)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_WAIT:
        raise WrongInputError(f"timeout: use seconds from 0 to {MAX_WAIT:g}")
    return seconds
