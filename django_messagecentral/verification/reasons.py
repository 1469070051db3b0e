"""Every reason the service gives: a stable code and a sentence for a person."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    """Codes are part of the public API (problem bodies, ``result.reason``); sentences are translatable."""

    # -- it went well
    SENT = "sent", _("We sent you a code.")
    ALREADY_SENT = "already_sent", _("A code was sent to you a moment ago. Please use that one.")
    VERIFIED = "verified", _("Your phone number is verified.")
    EMAIL_VERIFIED = "email_verified", _("Your e-mail address is verified.")
    CANCELLED = "cancelled", _("The verification was cancelled.")

    # -- no send, because of the number or the request
    INVALID_PHONE = "invalid_phone", _("This is not a valid phone number.")
    UNSUPPORTED_CHANNEL = "unsupported_channel", _("Codes cannot be sent over this channel.")
    COUNTRY_NOT_ALLOWED = "country_not_allowed", _("Codes are not sent to phone numbers of this country.")
    NUMBER_TYPE_REFUSED = "number_type_refused", _("Codes are not sent to this kind of phone number.")
    NUMBER_REFUSED = "number_refused", _("The code could not be sent. Please check the phone number.")

    # -- no send, for now
    CODE_LIVES = "code_lives", _("A code was sent to this number a moment ago. Please wait.")
    COOLDOWN = "cooldown", _("Please wait before you ask for another code.")
    PHONE_LIMIT = "phone_limit", _("Too many codes were sent to this number. Please wait.")
    PHONE_LOCKED = "phone_locked", _("Too many wrong codes were entered for this number. Please wait.")
    IP_LIMIT = "ip_limit", _("Too many codes were asked for from your network. Please wait.")
    SESSION_LIMIT = "session_limit", _("You asked for too many codes. Please wait.")
    USER_LIMIT = "user_limit", _("You asked for too many codes. Please try again tomorrow.")
    BLOCK_LIMIT = "block_limit", _("Codes cannot be sent to this number right now. Please wait.")
    COUNTRY_BUDGET = "country_budget", _("Codes cannot be sent to this country any more today.")
    SITE_BUDGET = "site_budget", _("Codes cannot be sent any more today.")
    SENDING_DISABLED = "sending_disabled", _("Codes cannot be sent at the moment. Please try again later.")
    COUNTERS_DOWN = "counters_down", _("Codes cannot be sent at the moment: our counters do not answer.")
    VENDOR_BUSY = "vendor_busy", _("Too many codes are being sent. Please try again in a minute.")
    VENDOR_UNAVAILABLE = (
        "vendor_unavailable",
        _("The message service cannot be reached. Try again later."),
    )
    SEND_UNCONFIRMED = (
        "send_unconfirmed",
        _("We cannot tell if the code was sent. Please wait."),
    )

    # -- a code that was not taken
    WRONG_CODE = "wrong_code", _("This code is not right. Please check it and try again.")
    MALFORMED_CODE = "malformed_code", _("A code has only digits. Please check it and try again.")
    CODE_EXPIRED = "code_expired", _("This code has expired. Please ask for a new one.")
    CODE_USED = "code_used", _("This code was used already. Please ask for a new one.")
    NOT_SENT_YET = "not_sent_yet", _("The code is still being sent. Please wait a moment.")
    TOO_MANY_ATTEMPTS = "too_many_attempts", _("Too many wrong codes. Please start again.")
    CHECK_FAILED = "check_failed", _("The phone number could not be verified. Please start again.")
    CHECK_UNAVAILABLE = "check_unavailable", _("The code could not be checked. Please try again in a minute.")
    ANSWER_LOST = "answer_lost", _("The code could not be checked. Please ask for a new one.")
    ALREADY_VERIFIED = "already_verified", _("This phone number is verified already.")
    UNKNOWN = "unknown_verification", _("There is no such verification.")

    # -- a proof that was not taken
    PROOF_INVALID = "proof_invalid", _("Please verify your phone number.")
    PROOF_EXPIRED = (
        "proof_expired",
        _("That was too long ago. Please verify your phone number again."),
    )
    PROOF_USED = "proof_used", _("This verification was used already. Please verify your phone number again.")
    PHONE_TAKEN = "phone_taken", _("There is an account with this phone number already. Log in with it.")
    PROOF_MISMATCH = "proof_mismatch", _("Another phone number was verified. Please verify this one.")
