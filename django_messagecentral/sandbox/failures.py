"""How sends and validations go wrong on demand: by a magic number, or by a share of all sends."""

from __future__ import annotations

from .answers import HTML, Answer, html_answer, json_answer
from .config import Config, pick
from .draw import Draw
from .magic import AFTER, magic_of
from .sends import Wanted

EARLY_SECONDS = 1.0
_PAGE = (
    "<!DOCTYPE html><html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"
)
_HALF = b'{"responseCode":200,"message":"SUCCESS","data":{"verificationId":"1234567","mobileNumber":"99999'


def chosen(config: Config, wanted: Wanted, draw: Draw) -> str:
    """The failure this send shall have, or "". A magic number anywhere in the call wins over shares."""
    for recipient in wanted.recipients:
        magic = magic_of(recipient.mobile)
        if magic is not None and magic.on == "send":
            return magic.does
    return pick(draw.unit(0), config.errors, "") if config.errors else ""


def after_sending(failure: str) -> bool:
    """True if the text has gone out all the same."""
    return failure in AFTER


def on_validate(mobile: str) -> str:
    """How validateOtp must fail for this number: a code, a breakdown, or ""."""
    magic = magic_of(mobile)
    return magic.does if magic is not None and magic.on == "validate" else ""


def early_delay(wanted: Wanted) -> float:
    """Seconds the answer waits so that its callback comes first."""
    magics = (magic_of(recipient.mobile) for recipient in wanted.recipients)
    return EARLY_SECONDS if any(magic and magic.does == "early" for magic in magics) else 0.0


def answer(failure: str, config: Config) -> Answer:
    """The answer, or the lack of one, of a failure that is no vendor code."""
    if failure.startswith("http"):
        return _gateway(int(failure.removeprefix("http")), config)
    if failure in ("reset", "reset_after"):
        return Answer(fault="reset")
    if failure in ("stall", "stall_after"):
        return Answer(fault="reset", delay=config.stall_seconds)
    if failure == "half":
        return Answer(200, _HALF * 2, fault="half")
    if failure == "html":
        return html_answer(_PAGE.format("Scheduled maintenance"))
    if failure == "redirect":
        return Answer(302, b"", HTML, (("Location", "/login"),))
    if failure == "wrong_types":
        return json_answer({"responseCode": [200], "message": 1, "data": ["verificationId", {"timeout": {}}]})
    if failure == "empty":
        return Answer(200, b"")
    if failure == "unknown_code":
        return json_answer({"responseCode": 999, "message": "SOMETHING_NEW", "data": None})
    raise ValueError(failure)


def _gateway(status: int, config: Config) -> Answer:
    retry = (("Retry-After", str(config.retry_after)),) if status in (429, 503) else ()
    if status == 500:
        return json_answer({"status": 500, "error": "Internal Server Error", "path": "/verification"}, status)
    if status == 429:
        return json_answer({"message": "API rate limit exceeded"}, status, headers=retry)
    if status in (401, 403):
        return json_answer(
            {"status": status, "error": "Unauthorized" if status == 401 else "Forbidden"}, status
        )
    names = {502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out"}
    return html_answer(_PAGE.format(names[status]), status, headers=retry)
