"""The backends of development and tests behave as the vendor does, in miniature."""

from __future__ import annotations

import io
from datetime import timedelta
from unittest import mock

import pytest
from django.utils import timezone
from openpyxl import Workbook

from django_messagecentral import exceptions as errors
from django_messagecentral.backends import BaseBackend, OutgoingMessage, get_backend
from django_messagecentral.backends.console import ConsoleBackend
from django_messagecentral.backends.local_codes import MAX_WRONG_CODES
from django_messagecentral.backends.locmem import LocmemBackend, Outbox
from django_messagecentral.backends.locmem import outbox as module_outbox
from django_messagecentral.exceptions import Outcome
from django_messagecentral.testing import assert_code_sent, assert_message_sent, assert_nothing_sent

PHONE, OTHER = "+919876543210", "+919876543211"
MESSAGE = OutgoingMessage(PHONE, "Hello", message_type="PROMOTIONAL", sender_id="UTOMOB")


def workbook(*rows: list[object]) -> bytes:
    book, file = Workbook(), io.BytesIO()
    assert book.active is not None
    for row in (["Country", "Mobile", "var1", "var2"], *rows):
        book.active.append(row)
    book.save(file)
    return file.getvalue()


# -- the fixture -------------------------------------------------------------------------------------------


def test_the_fixture_catches_what_the_site_sends(messagecentral_outbox: Outbox) -> None:
    get_backend().send_message(MESSAGE)
    [sent] = messagecentral_outbox
    assert (sent.phone, sent.text, sent.kind, sent.sender_id) == (PHONE, "Hello", "message", "UTOMOB")
    assert (sent.message_type, sent.code) == ("PROMOTIONAL", "")
    assert sent.transaction_id


def test_the_fixture_wins_over_the_settings(settings: object, messagecentral_outbox: Outbox) -> None:
    assert isinstance(get_backend(), LocmemBackend)
    assert messagecentral_outbox == []


def test_the_fixture_starts_empty_and_leaves_nothing(request: pytest.FixtureRequest) -> None:
    module_outbox.append(mock.sentinel.leftover)
    found = request.getfixturevalue("messagecentral_outbox")
    assert found == []


def test_bulk_and_workbook_are_one_record_a_phone(messagecentral_outbox: Outbox) -> None:
    backend = get_backend()
    backend.send_bulk([PHONE, OTHER], MESSAGE)
    assert [sent.phone for sent in messagecentral_outbox] == [PHONE, OTHER]
    assert len({sent.transaction_id for sent in messagecentral_outbox}) == 1
    messagecentral_outbox.reset()
    template = OutgoingMessage("", "Hello ##var##/##var1##, ##var2##, ##var9##.")
    backend.send_file(workbook(["91", "9876543210", "Asha", 7], [91, 9876543211, "Ravi", None]), template)
    assert [sent.text for sent in messagecentral_outbox] == ["Hello Asha/Asha, 7, .", "Hello Ravi/Ravi, , ."]
    assert {sent.kind for sent in messagecentral_outbox} == {"file"}


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Outcome.NEVER_LEFT, errors.ConnectionNotMade),
        (Outcome.REFUSED, errors.BadRequest),
        (Outcome.MAY_HAVE_LEFT, errors.AnswerLost),
        (errors.MaximumLimitReached, errors.MaximumLimitReached),
        (errors.RateLimited(retry_after=3.0), errors.RateLimited),
    ],
)
def test_the_next_sends_can_be_made_to_fail(
    messagecentral_outbox: Outbox, failure: object, expected: type[Exception]
) -> None:
    messagecentral_outbox.fail_next(failure, times=2)  # type: ignore[arg-type]
    with pytest.raises(expected) as first:
        get_backend().send_message(MESSAGE)
    with pytest.raises(expected) as second:
        get_backend().send_otp(PHONE)
    assert first.value is not second.value
    assert messagecentral_outbox == []
    get_backend().send_message(MESSAGE)
    assert len(messagecentral_outbox) == 1


def test_an_answer_can_be_lost_after_the_text_has_left(messagecentral_outbox: Outbox) -> None:
    messagecentral_outbox.fail_next(Outcome.MAY_HAVE_LEFT, times=2, left=True)
    with pytest.raises(errors.AnswerLost):
        get_backend().send_message(MESSAGE)
    with pytest.raises(errors.AnswerLost):
        get_backend().send_otp(OTHER)
    assert [sent.phone for sent in messagecentral_outbox] == [PHONE, OTHER]


def test_a_check_can_be_made_to_fail_with_or_without_judging_the_code(messagecentral_outbox: Outbox) -> None:
    backend = get_backend()
    sent = backend.send_otp(PHONE)
    code = messagecentral_outbox.last_code(PHONE)
    messagecentral_outbox.fail_next(Outcome.NEVER_LEFT, on="validate")
    messagecentral_outbox.fail_next(Outcome.MAY_HAVE_LEFT, on="validate", left=True)
    with pytest.raises(errors.ConnectionNotMade):
        backend.validate_otp(sent.verification_id or "", code)
    with pytest.raises(errors.AnswerLost):
        backend.validate_otp(sent.verification_id or "", code)
    with pytest.raises(errors.AlreadyVerified):
        backend.validate_otp(sent.verification_id or "", code)


def test_assertions_show_what_was_sent_instead(messagecentral_outbox: Outbox) -> None:
    assert_nothing_sent(messagecentral_outbox)
    get_backend().send_message(MESSAGE)
    get_backend().send_otp(OTHER)
    assert assert_message_sent(messagecentral_outbox, PHONE, text="Hello", channel="SMS").phone == PHONE
    assert assert_code_sent(messagecentral_outbox, OTHER) == messagecentral_outbox.last_code(OTHER)
    assert_nothing_sent(messagecentral_outbox, "+919876543219")
    with pytest.raises(AssertionError, match=r"message by SMS to \+919876543210: Hello"):
        assert_message_sent(messagecentral_outbox, PHONE, contains="Goodbye")
    with pytest.raises(AssertionError, match="no code was sent"):
        assert_code_sent(messagecentral_outbox, PHONE)
    with pytest.raises(AssertionError, match="2 messages were sent"):
        assert_nothing_sent(messagecentral_outbox)
    with pytest.raises(LookupError):
        messagecentral_outbox.last_code(PHONE)


# -- codes, the same for both backends ---------------------------------------------------------------------


class Phones:
    """Reads the last code from where the backend puts it."""

    def __init__(self, backend: BaseBackend, stream: io.StringIO | None) -> None:
        self.backend, self.stream = backend, stream

    def code(self) -> str:
        if self.stream is None:
            return module_outbox[-1].code
        return next(word for word in self.stream.getvalue().split()[::-1] if word.isdecimal())


@pytest.fixture(params=["console", "locmem"])
def phones(request: pytest.FixtureRequest) -> Phones:
    if request.param == "console":
        stream = io.StringIO()
        return Phones(ConsoleBackend(stream), stream)
    request.getfixturevalue("messagecentral_outbox")
    return Phones(LocmemBackend(), None)


def test_a_code_is_accepted_once(phones: Phones) -> None:
    sent = phones.backend.send_otp(PHONE)
    code = phones.code()
    assert len(code) == 6
    wrong = code[:-1] + ("1" if code[-1] == "0" else "0")
    with pytest.raises(errors.WrongOtp):
        phones.backend.validate_otp(sent.verification_id or "", wrong)
    done = phones.backend.validate_otp(sent.verification_id or "", code)
    assert (done.verification_status, done.mobile_number) == ("VERIFICATION_COMPLETED", "9876543210")
    with pytest.raises(errors.AlreadyVerified):
        phones.backend.validate_otp(sent.verification_id or "", code)


def test_one_code_lives_a_number_until_it_expires(phones: Phones) -> None:
    sent = phones.backend.send_otp(PHONE, code_length=8)
    assert sent.timeout == 60.0
    with pytest.raises(errors.RequestAlreadyExists) as refused:
        phones.backend.send_otp(PHONE, channel="WHATSAPP")
    assert (refused.value.verification_id, refused.value.outcome) == (sent.verification_id, Outcome.REFUSED)
    phones.backend.send_otp(OTHER)
    later = timezone.now() + timedelta(seconds=61)
    with mock.patch("django.utils.timezone.now", return_value=later):
        with pytest.raises(errors.VerificationExpired):
            phones.backend.validate_otp(sent.verification_id or "", "12345678")
        assert phones.backend.send_otp(PHONE).verification_id != sent.verification_id


def test_guessing_ends(phones: Phones) -> None:
    sent = phones.backend.send_otp(PHONE)
    for _ in range(MAX_WRONG_CODES):
        with pytest.raises(errors.WrongOtp):
            phones.backend.validate_otp(sent.verification_id or "", "wrong")
    with pytest.raises(errors.MaximumLimitReached) as refused:
        phones.backend.validate_otp(sent.verification_id or "", phones.code())
    assert refused.value.outcome is Outcome.REFUSED
    with pytest.raises(errors.InvalidVerificationId):
        phones.backend.validate_otp("1", phones.code())


def test_the_console_shows_what_would_be_sent(capsys: pytest.CaptureFixture[str]) -> None:
    backend = ConsoleBackend()
    backend.send_message(MESSAGE)
    backend.send_bulk([PHONE, OTHER], MESSAGE)
    backend.send_file(workbook(["India", "9876543211", "Asha", 7]), OutgoingMessage("", "Hi ##var##", "RCS"))
    shown = capsys.readouterr().out
    assert shown.count("--- PROMOTIONAL by SMS to +919876543210 from UTOMOB\nHello\n") == 2
    assert "--- TRANSACTION by RCS to +919876543211\nHi Asha\n" in shown


def test_a_message_hides_its_text_and_number_in_its_repr() -> None:
    assert (
        repr(OutgoingMessage(PHONE, "847261 is your code"))
        == "<OutgoingMessage TRANSACTION SMS to +91••••••3210>"
    )
