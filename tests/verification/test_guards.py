"""Each line of the abuse guards: its limit, its time, what is given back, and who is not hit by it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache.backends.base import BaseCache
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from django_messagecentral import exceptions as errors
from django_messagecentral.conf import app_settings
from django_messagecentral.signals import otp_budget_spent
from django_messagecentral.verification.guards.addresses import client_ip, network_of
from django_messagecentral.verification.guards.budgets import country_limit
from django_messagecentral.verification.guards.ledger import State
from django_messagecentral.verification.models import Refusal, SendBudget
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import StartResult
from django_messagecentral.verification.service import (
    check_verification,
    resend_verification,
    start_verification,
)
from tests.verification.conftest import PHONE, Clock
from tests.verification.fakes import FakeVendor


class BrokenCache(BaseCache):
    """A cache whose server is away."""

    def __init__(self, *_: Any) -> None:
        super().__init__({})

    def _fail(self, *_: Any, **__: Any) -> Any:
        raise ConnectionError("no route to the cache")

    add = get = set = incr = decr = delete = clear = _fail


def numbers(count: int, base: int = 9876500000, step: int = 1000) -> list[str]:
    """Valid Indian mobile numbers, each in a block of its own unless ``step`` is small."""
    return [f"+91{base + step * index}" for index in range(count)]


def start(phone: str, **who: Any) -> StartResult:
    return start_verification(phone, **({"subject": f"t:{phone}"} | who))


@pytest.mark.django_db
def test_cool_downs_grow_and_are_told_as_a_time(vendor: FakeVendor, clock: Clock) -> None:
    vendor.timeout = 1.0  # the vendor's code is no longer in the way
    waits = []
    for _ in range(5):
        assert start(PHONE).sent
        clock.tick(seconds=1.5)
        refused = start(PHONE)
        assert refused.reason == Reason.COOLDOWN
        assert refused.retry_at is not None
        waits.append(round((refused.retry_at - timezone.now()).total_seconds() + 1.5))
        clock.tick(seconds=waits[-1])
        if len(waits) == 4:
            break
    assert waits == [30, 60, 120, 300]


@pytest.mark.django_db
def test_five_an_hour_and_ten_a_day_to_one_phone(
    vendor: FakeVendor, clock: Clock, configure: Callable[..., None]
) -> None:
    configure(OTP_COOLDOWNS=())
    vendor.timeout = 1.0
    sent = []
    for minute in range(0, 24 * 60, 2):
        if start(PHONE).sent:
            sent.append(minute)
        clock.tick(minutes=2)
    assert len(sent) == 10
    assert sent[4] == 8
    assert sent[5] >= 60
    refused = start(PHONE)
    assert refused.sent or refused.reason == Reason.PHONE_LIMIT  # a day after the first one


@given(st.lists(st.integers(min_value=1, max_value=4000), max_size=60))
def test_in_no_hour_or_day_of_any_history_are_the_limits_passed(gaps: list[int]) -> None:
    state, now, sent = State(), timezone.now(), []
    for gap in gaps:
        now += timedelta(seconds=gap)
        state.prune(now)
        if state.send_verdict(now) is None:
            sent.append(state.stamp(state.sends, now))
    for index, last in enumerate(sent):
        assert sum(1 for time in sent[: index + 1] if last - time < 3600) <= 5
        assert sum(1 for time in sent[: index + 1] if last - time < 86_400) <= 10
    assert all(later - earlier >= 30 for earlier, later in pairwise(sent))


@given(st.lists(st.integers(min_value=1, max_value=4000), min_size=1, max_size=60))
def test_the_time_a_refusal_names_is_the_first_at_which_it_would_be_allowed(gaps: list[int]) -> None:
    state, now = State(), timezone.now()
    for gap in gaps:
        now += timedelta(seconds=gap)
        state.prune(now)
        verdict = state.send_verdict(now)
        if verdict is None:
            state.stamp(state.sends, now)
    state.prune(now)
    verdict = state.send_verdict(now)
    steps = 0
    while verdict is not None and steps < 10:  # after an hour's limit a cool-down may follow
        assert verdict.retry_at is not None
        assert verdict.retry_at > now
        now = verdict.retry_at
        state.prune(now)
        verdict = state.send_verdict(now)
        steps += 1
    assert steps < 4


@pytest.mark.django_db
def test_thirty_unverified_sends_an_hour_from_one_ip(vendor: FakeVendor) -> None:
    phones = numbers(32)
    results = [start(phone, ip="203.0.113.7") for phone in phones]
    assert [result.sent for result in results] == [True] * 30 + [False] * 2
    assert results[-1].reason == Reason.IP_LIMIT
    assert results[-1].retry_after is not None
    assert 0 < results[-1].retry_after <= 7200
    assert start(phones[-1], ip="203.0.113.8").sent
    # An entered code gives its unit back.
    first = results[0].verification
    assert first is not None
    assert check_verification(first, vendor.code_of(phones[0])).ok
    assert start(phones[-2], ip="203.0.113.7").sent


@pytest.mark.django_db
def test_an_ipv6_visitor_is_the_whole_64(vendor: FakeVendor, configure: Callable[..., None]) -> None:
    configure(OTP_SENDS_PER_IP_HOUR=1)
    one, two, three = numbers(3)
    assert start(one, ip="2001:db8:1:2::1").sent
    assert start(two, ip="2001:db8:1:2:ffff::9").reason == Reason.IP_LIMIT
    assert start(three, ip="2001:db8:1:3::1").sent


@pytest.mark.django_db
def test_five_an_hour_from_one_session_and_ten_a_day_from_one_user(vendor: FakeVendor) -> None:
    by_session = [start(phone, subject="s:one") for phone in numbers(6)]
    assert [result.sent for result in by_session] == [True] * 5 + [False]
    assert by_session[-1].reason == Reason.SESSION_LIMIT
    user = get_user_model().objects.create_user("ann")
    by_user = [start(phone, user=user, subject="") for phone in numbers(11, base=9123400000)]
    assert [result.sent for result in by_user] == [True] * 10 + [False]
    assert by_user[-1].reason == Reason.USER_LIMIT


@pytest.mark.django_db
def test_a_walk_through_a_number_block_stops_after_ten_unless_codes_are_entered(vendor: FakeVendor) -> None:
    results = [start(phone) for phone in numbers(12, step=1)]
    assert [result.sent for result in results] == [True] * 10 + [False] * 2
    assert results[-1].reason == Reason.BLOCK_LIMIT
    people = numbers(30, base=9123400000, step=1)
    for phone in people:
        started = start(phone)
        assert started.sent, started.reason
        assert started.verification is not None
        assert check_verification(started.verification, vendor.code_of(phone)).ok


@pytest.mark.django_db
def test_strangers_cannot_spend_the_allowance_of_who_has_verified_the_phone(
    vendor: FakeVendor, clock: Clock
) -> None:
    owner = get_user_model().objects.create_user("owner")
    first = start(PHONE, user=owner, subject="").verification
    assert first is not None
    assert check_verification(first, vendor.code_of(PHONE)).ok
    clock.tick(hours=2)
    for index in range(40):  # a stranger spends and locks whatever can be spent
        asked = start(PHONE, subject=f"s:{index}")
        if asked.reason == Reason.PHONE_LOCKED:
            break
        stranger = asked.verification
        if stranger is not None:
            for _ in range(5):
                check_verification(stranger, vendor.wrong_code(PHONE))
        clock.tick(seconds=310)
    assert start(PHONE, subject="s:new").reason in (Reason.PHONE_LOCKED, Reason.PHONE_LIMIT)
    mine = start(PHONE, user=owner, subject="")
    assert mine.sent
    assert mine.verification is not None
    assert check_verification(mine.verification, vendor.code_of(PHONE)).ok


@pytest.mark.django_db
def test_countries_not_on_the_list_and_costly_numbers_are_refused(
    vendor: FakeVendor, configure: Callable[..., None]
) -> None:
    configure(ALLOWED_COUNTRIES=("IN", "GB"))
    assert start("+12025550123").reason == Reason.COUNTRY_NOT_ALLOWED
    assert start("+449098790000").reason == Reason.NUMBER_TYPE_REFUSED  # premium rate
    assert start("+447400123456").sent
    assert len(vendor.otps) == 1


@pytest.mark.django_db
def test_a_country_has_a_share_of_the_day_and_hardly_any_when_codes_are_not_entered(
    vendor: FakeVendor, configure: Callable[..., None]
) -> None:
    configure(OTP_DAILY_BUDGET=10, OTP_COUNTRY_BUDGET_SHARE=0.3, OTP_COUNTRY_LOW_AFTER=1000)
    results = [start(phone) for phone in numbers(4)]
    assert [result.sent for result in results] == [True] * 3 + [False]
    assert results[-1].reason == Reason.COUNTRY_BUDGET
    assert start("+447400123456").sent  # another country has its own share
    day = timezone.now().date()
    configure(OTP_DAILY_BUDGET=10_000, OTP_COUNTRY_BUDGET_SHARE=0.5, OTP_COUNTRY_LOW_AFTER=50)
    SendBudget.objects.create(scope="XX", day=day - timedelta(days=1), used=500, entered=10)
    SendBudget.objects.create(scope="YY", day=day - timedelta(days=1), used=500, entered=300)
    assert country_limit("XX", day) == 200
    assert country_limit("YY", day) == 5000


@pytest.mark.django_db
def test_the_sites_daily_budget_is_the_last_wall_and_is_announced_once(
    vendor: FakeVendor, configure: Callable[..., None], caplog: Any
) -> None:
    configure(OTP_DAILY_BUDGET=3, OTP_COUNTRY_BUDGET_SHARE=1.0)
    heard: list[int] = []

    def hear(budget: int, **_: Any) -> None:
        heard.append(budget)

    otp_budget_spent.connect(hear)
    try:
        results = [start(phone) for phone in ["+447400123456", "+447400123999", *numbers(4)]]
    finally:
        otp_budget_spent.disconnect(hear)
    assert [result.sent for result in results] == [True] * 3 + [False] * 3
    assert results[-1].reason == Reason.SITE_BUDGET
    assert heard == [3]
    assert "budget of OTP sends is spent" in caplog.text
    assert set(Refusal.objects.values_list("reason", "count")) == {(Reason.SITE_BUDGET, 3)}


@pytest.mark.django_db
def test_with_the_cache_down_sends_fail_closed_and_say_so(
    vendor: FakeVendor, configure: Callable[..., None], settings: Any, caplog: Any
) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "broken": {"BACKEND": "tests.verification.test_guards.BrokenCache"},
        "dummy": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
    }
    for alias in ("broken", "dummy"):
        configure(CACHE=alias)
        result = start(PHONE, ip="203.0.113.7")
        assert (result.ok, result.reason) == (False, Reason.COUNTERS_DOWN)
    assert vendor.otps == []
    assert "does not answer" in caplog.text


@pytest.mark.django_db
def test_units_come_back_when_the_send_never_left(vendor: FakeVendor, configure: Callable[..., None]) -> None:
    configure(OTP_SENDS_PER_IP_HOUR=2, OTP_SENDS_PER_SESSION_HOUR=2, OTP_SENDS_PER_BLOCK_HOUR=2)
    vendor.send_error = errors.ConnectionNotMade()
    for _ in range(5):
        assert start(PHONE, ip="203.0.113.7", subject="s:one").reason == Reason.VENDOR_UNAVAILABLE
    vendor.send_error = None
    assert start(PHONE, ip="203.0.113.7", subject="s:one").sent


@pytest.mark.django_db
def test_a_later_guards_refusal_gives_the_earlier_units_back(
    vendor: FakeVendor, configure: Callable[..., None]
) -> None:
    configure(OTP_SENDS_PER_IP_HOUR=2)
    vendor.timeout = 0.001
    assert start(PHONE, ip="203.0.113.7").sent
    for _ in range(5):
        assert start(PHONE, ip="203.0.113.7").reason == Reason.COOLDOWN
    assert start(numbers(1)[0], ip="203.0.113.7").sent


@pytest.mark.django_db
def test_a_dry_run_sends_everything_and_notes_what_it_would_refuse(
    vendor: FakeVendor, configure: Callable[..., None]
) -> None:
    configure(OTP_DRY_RUN=True, ALLOWED_COUNTRIES=("GB",), OTP_SENDS_PER_IP_HOUR=1, OTP_DAILY_BUDGET=1)
    for phone in numbers(3):
        assert start(phone, ip="203.0.113.7").sent
    noted = dict(Refusal.objects.filter(dry_run=True).values_list("reason", "count"))
    assert noted[Reason.COUNTRY_NOT_ALLOWED] == 3
    assert noted[Reason.IP_LIMIT] == 2
    assert noted[Reason.SITE_BUDGET] == 2
    assert not Refusal.objects.filter(dry_run=False).exists()


@pytest.mark.django_db
def test_a_resend_passes_the_same_guards(
    vendor: FakeVendor, configure: Callable[..., None], clock: Clock
) -> None:
    configure(OTP_SENDS_PER_SESSION_HOUR=1)
    started = start(PHONE, subject="s:one").verification
    assert started is not None
    clock.tick(seconds=61)
    assert resend_verification(started).reason == Reason.SESSION_LIMIT


@pytest.mark.django_db
def test_refusals_are_counted_by_hour_and_do_not_fill_the_table(vendor: FakeVendor) -> None:
    start(PHONE, subject="s:one")
    vendor.timeout = 0.001
    for _ in range(20):
        start("+447400123456", ip="203.0.113.9")
    row = Refusal.objects.get(reason=Reason.COOLDOWN)
    assert (row.scope, row.last_phone, row.last_ip) == ("phone:+447400123456", "+447400123456", "203.0.113.9")
    assert row.count >= 18


class TestAddresses:
    """The visitor's address is believed only as far as it can be."""

    def ask(self, rf: Any, remote: str, forwarded: str | None = None) -> str:
        extra = {"REMOTE_ADDR": remote} | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})
        return client_ip(rf.get("/", **extra))

    def test_a_forged_header_changes_nothing_without_a_trusted_proxy(self, rf: Any) -> None:
        assert self.ask(rf, "198.51.100.1", "203.0.113.7") == "198.51.100.1"

    def test_behind_trusted_proxies_the_rightmost_stranger_counts(
        self, rf: Any, configure: Callable[..., None]
    ) -> None:
        configure(TRUSTED_PROXIES=("10.0.0.0/8",))
        assert self.ask(rf, "10.0.0.1", "203.0.113.7") == "203.0.113.7"
        assert self.ask(rf, "10.0.0.1", "1.2.3.4, 203.0.113.7, 10.0.0.2") == "203.0.113.7"
        assert self.ask(rf, "198.51.100.1", "203.0.113.7") == "198.51.100.1"
        assert self.ask(rf, "10.0.0.1", "garbage") == "10.0.0.1"
        assert self.ask(rf, "10.0.0.1") == "10.0.0.1"
        assert self.ask(rf, "", "203.0.113.7") == ""

    @given(st.ip_addresses())
    def test_every_address_has_a_network(
        self, address: ipaddress.IPv4Address | ipaddress.IPv6Address
    ) -> None:
        network = ipaddress.ip_network(network_of(str(address)))
        mapped = getattr(address, "ipv4_mapped", None)
        assert (mapped or address) in network
        assert network.prefixlen in (32, 64)

    def test_an_ipv4_address_in_ipv6_clothes_is_itself(self) -> None:
        assert network_of("::ffff:203.0.113.7") == "203.0.113.7"
        assert network_of("fe80::1%eth0") == "fe80::/64"


def test_the_defaults_are_those_of_the_table() -> None:
    assert app_settings.OTP_LENGTH == 6
    assert app_settings.OTP_MAX_LIFE == 600
    assert app_settings.OTP_MAX_ATTEMPTS == 5
    assert app_settings.OTP_PHONE_WRONG_CODES_PER_HOUR == 10
    assert app_settings.OTP_COOLDOWNS == (30, 60, 120, 300)
    assert (app_settings.OTP_SENDS_PER_PHONE_HOUR, app_settings.OTP_SENDS_PER_PHONE_DAY) == (5, 10)
    assert app_settings.OTP_SENDS_PER_IP_HOUR == 30
    assert app_settings.OTP_SENDS_PER_SESSION_HOUR == 5
    assert app_settings.OTP_SENDS_PER_USER_DAY == 10
    assert app_settings.OTP_SENDS_PER_BLOCK_HOUR == 10
    assert app_settings.OTP_PROOF_LIFE == 600
