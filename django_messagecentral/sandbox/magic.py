"""Magic numbers: phones that always bring about one outcome, as the test cards of payment sandboxes do.

All are India's ``+91 79990 00xxx``, valid mobiles for every validating library, and the last three digits
say what happens. This table is the only place that knows; the docs and the inbox print it.
"""

from __future__ import annotations

from dataclasses import dataclass

from .words import gettext_noop

COUNTRY = "91"
PREFIX = "7999000"


@dataclass(frozen=True, slots=True)
class Magic:
    """What a magic number does.

    ``on`` is "send" (the send call fails with ``does``), "validate" (the send is fine, validateOtp fails with
    ``does``) or "report" (the text is received, ``does`` is how its delivery is reported).
    """

    suffix: str
    on: str
    does: str
    says: str

    @property
    def national(self) -> str:
        """The number without its country code."""
        return PREFIX + self.suffix

    @property
    def mobile(self) -> str:
        """The whole number in digits, country code first."""
        return COUNTRY + self.national


TABLE: tuple[Magic, ...] = (
    Magic("000", "report", "DELIVRD", gettext_noop("Always delivered")),
    Magic("010", "report", "UNDELIV", gettext_noop("Undelivered")),
    Magic("011", "report", "EXPIRED", gettext_noop("Expired: the phone stayed off")),
    Magic("012", "report", "REJECTD", gettext_noop("Rejected by the carrier")),
    Magic("013", "report", "UNKNOWN", gettext_noop("The carrier never said")),
    Magic("014", "report", "never", gettext_noop("Delivered, but no callback ever comes")),
    Magic("015", "report", "late", gettext_noop("Delivered, the callback comes 60 s later than others")),
    Magic("016", "report", "twice", gettext_noop("Delivered, the callback comes twice, word for word")),
    Magic(
        "017", "report", "out_of_order", "UNDELIV then DELIVRD, but the callbacks arrive the other way round"
    ),
    Magic("018", "report", "early", gettext_noop("The callback comes before the send's own answer")),
    Magic("400", "send", "400", gettext_noop("400 BAD_REQUEST")),
    Magic("409", "send", "409", gettext_noop("409 DUPLICATE_RESOURCE")),
    Magic("500", "send", "500", gettext_noop("500 SERVER_ERROR; no text went out")),
    Magic("501", "send", "501", gettext_noop("501 INVALID_CUSTOMER_ID")),
    Magic(
        "506", "send", "506", gettext_noop("506 REQUEST_ALREADY_EXISTS, without the living verification's id")
    ),
    Magic("511", "send", "511", gettext_noop("511 INVALID_COUNTRY_CODE")),
    Magic("800", "send", "800", gettext_noop("800 MAXIMUM_LIMIT_REACHED")),
    Magic("505", "validate", "505", gettext_noop("validateOtp answers 505 INVALID_VERIFICATION_ID")),
    Magic(
        "700",
        "validate",
        "700",
        gettext_noop("validateOtp answers 700 VERIFICATION_FAILED, the right code too"),
    ),
    Magic(
        "702",
        "validate",
        "702",
        gettext_noop("validateOtp answers 702 WRONG_OTP_PROVIDED, the right code too"),
    ),
    Magic("703", "validate", "703", gettext_noop("validateOtp answers 703 ALREADY_VERIFIED")),
    Magic("705", "validate", "705", gettext_noop("validateOtp answers 705 VERIFICATION_EXPIRED")),
    Magic("801", "validate", "800", gettext_noop("validateOtp answers 800 MAXIMUM_LIMIT_REACHED")),
    Magic("401", "send", "http401", gettext_noop("HTTP 401, however good the token")),
    Magic("403", "send", "http403", gettext_noop("HTTP 403, however good the token")),
    Magic("429", "send", "http429", gettext_noop("HTTP 429 with Retry-After: 2")),
    Magic("502", "send", "http502", gettext_noop("HTTP 502 with a gateway's HTML page")),
    Magic("503", "send", "http503", gettext_noop("HTTP 503 with Retry-After: 2 and an HTML page")),
    Magic("504", "send", "http504", gettext_noop("HTTP 504 with a gateway's HTML page; the text did go out")),
    Magic(
        "599", "send", "http500", gettext_noop("HTTP 500 with a framework's own JSON; the text did go out")
    ),
    Magic("600", "send", "html", gettext_noop("HTTP 200 with an HTML page instead of JSON")),
    Magic(
        "601", "send", "half", gettext_noop("Half a JSON, then the connection closes; the text did go out")
    ),
    Magic("602", "send", "reset", gettext_noop("The connection is reset; no text went out")),
    Magic("603", "send", "reset_after", gettext_noop("The connection is reset; the text did go out")),
    Magic("604", "send", "stall", gettext_noop("No answer for 30 s, then a reset; no text went out")),
    Magic(
        "605", "send", "stall_after", gettext_noop("No answer for 30 s, then a reset; the text did go out")
    ),
    Magic("606", "send", "redirect", gettext_noop("HTTP 302 to a login page")),
    Magic("607", "send", "wrong_types", gettext_noop("HTTP 200, JSON of the wrong shape and types")),
    Magic("608", "send", "empty", gettext_noop("HTTP 200 with an empty body")),
    Magic(
        "609", "send", "unknown_code", gettext_noop("HTTP 200 with responseCode 999, which no document names")
    ),
    Magic(
        "610",
        "validate",
        "reset_after",
        gettext_noop("validateOtp's answer is lost by a reset; the code counted"),
    ),
    Magic(
        "611", "validate", "reset", gettext_noop("validateOtp's connection is reset; the code did not count")
    ),
    Magic("612", "validate", "http503", gettext_noop("validateOtp answers HTTP 503 with Retry-After: 2")),
    Magic("613", "validate", "html", gettext_noop("validateOtp answers an HTML page instead of JSON")),
)

_BY_MOBILE = {magic.mobile: magic for magic in TABLE}
# Every way a send can fail: by a magic number or by a share in the configuration.
FAILURES = tuple(magic.does for magic in TABLE if magic.on == "send")
# Those that are no code of the vendor's: validateOtp and the token call can have them too.
BREAKDOWNS = tuple(failure for failure in FAILURES if not failure.isdigit())
# Failures after the text has gone out.
AFTER = frozenset({"http500", "http504", "half", "reset_after", "stall_after"})


def magic_of(mobile: str) -> Magic | None:
    """The magic of a whole number in digits, or None for an ordinary phone."""
    return _BY_MOBILE.get(mobile)
