"""The inbox over HTTP: pages, their buttons, and their static files."""

from __future__ import annotations

from pathlib import Path

from .answers import Answer, html_answer, problem
from .config import STATUSES
from .control import ROOT, ControlApi, WrongInputError, digits, from_another_site, whole
from .detail import TextPage, ToolsPage
from .frame import Frame
from .html import tag
from .pages import InboxPage
from .params import BadBodyError, Request, read_params
from .state import State
from .words import _

STATIC = {
    "inbox.css": "text/css; charset=utf-8",
    "inbox.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
SECURITY = (
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


class Inbox:
    """Answers the inbox's paths under ``/_sandbox/``."""

    def __init__(self, state: State, control: ControlApi) -> None:
        self.state = state
        self.control = control

    def handle(self, request: Request) -> Answer | None:
        """The answer, or None for a path that is not the inbox's."""
        path = request.path.removeprefix(ROOT) if request.path.startswith(ROOT) else None
        if path is None:
            return None
        if path == "":
            return Answer(303, headers=(("Location", f"{request.prefix}{ROOT}/"),))
        if path.startswith("/static/"):
            return self._static(path.removeprefix("/static/"))
        try:
            if path == "/do":
                return self._do(request) if request.method == "POST" else problem(405, "not by this method")
            if request.method in ("GET", "HEAD"):
                return self._page(path, request)
        except (WrongInputError, BadBodyError) as exc:
            return problem(400, str(exc))
        return None

    def _page(self, path: str, request: Request) -> Answer | None:
        place = (self.state, request.prefix, f"http://{request.header('host')}")
        params = request.query_params()
        if path == "/":
            mobile = digits(params["mobile"]) if params.get("mobile") else ""
            return html_answer(InboxPage(*place).inbox(mobile, params.get("q", "")[:200]), headers=SECURITY)
        if path == "/tools":
            return html_answer(ToolsPage(*place).tools(), headers=SECURITY)
        if path == "/message":
            message = self.state.messages.get(whole(params, "id", 0) or 0)
            if message is None:
                return html_answer(
                    Frame(*place).frame("404", tag("p", _("No such text."), class_="empty")),
                    404,
                    headers=SECURITY,
                )
            return html_answer(TextPage(*place).message(message), headers=SECURITY)
        return None

    def _static(self, name: str) -> Answer:
        content_type = STATIC.get(name)
        if content_type is None:
            return problem(404, "no such file")
        body = (Path(__file__).parent / "static" / name).read_bytes()
        return Answer(
            200, body, content_type, (("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff"))
        )

    def _do(self, request: Request) -> Answer:
        """A button: clear a phone, report a delivery by hand, move the clock, expire tokens, forget all."""
        if from_another_site(request):
            return problem(403, "a page of another site may not do this")
        params, _files = read_params(request)
        action, back = params.get("action", ""), "/tools"
        if action == "report":
            back = self._report(params)
        elif action == "clear":
            self.state.clear(digits(params.get("mobile", "")))
            back = "/"
        elif action in ("minute", "day"):
            self.state.move_clock(60 if action == "minute" else 86_400)
        elif action == "tokens":
            self.state.end_tokens()
        elif action == "reset":
            self.state.reset()
        else:
            raise WrongInputError("action: not one of the buttons'")
        return Answer(303, headers=(("Location", f"{request.prefix}{ROOT}{back}"),))

    def _report(self, params: dict[str, str]) -> str:
        message = self.state.messages.get(whole(params, "message", 0) or 0)
        status = params.get("status", "")
        if message is not None and status == "repeat" and message.reports:
            self.control.repeat(message)
        elif message is not None and status in STATUSES:
            self.control.report_now(message, status)
        else:
            raise WrongInputError("message and status: a text that is there, and what to report")
        return f"/message?id={message.id}"
