"""The example site in Chromium, with the sandbox as its vendor: what people do, and what goes wrong for them.

Each story runs at desktop and at phone size, with JavaScript and without.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsers import chromium, javascript, nothing_sticks_out, shot, size, visitor
from tests.example.site import ExampleSite, running

__all__ = ["chromium", "javascript", "size"]  # fixtures
pytestmark = pytest.mark.browser
NUMBERS = itertools.count(1000)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleSite]:
    """As it comes: the vendor makes and checks the codes."""
    with running(tmp_path_factory.mktemp("example")) as started:
        yield started


@pytest.fixture(scope="module")
def own_codes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleSite]:
    """With codes of its own, sent by SMS and then by WhatsApp, and a worker that hears of delivery."""
    home = tmp_path_factory.mktemp("own")
    with running(home, worker=True, OTP_MODE="own", OTP_CHANNELS=["SMS", "WHATSAPP"]) as started:
        yield started


@pytest.fixture
def page(chromium: Browser, size: str, javascript: bool, site: ExampleSite) -> Iterator[Page]:
    site.sandbox.configure(otp_timeout=60.0)
    with visitor(chromium, site.url, size, javascript) as opened:
        yield opened


def new_phone() -> str:
    """A number of a block of its own: no visitor spends another's allowance. All look alike masked."""
    return f"+9198{next(NUMBERS)}4321"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


def type_phone(page: Page, phone: str) -> None:
    page.get_by_label("Country").select_option("IN")
    page.get_by_label("Phone number", exact=True).last.fill(phone[3:])


def sign_up(page: Page, site: ExampleSite, phone: str) -> str:
    """Up to the code; the code."""
    page.goto("/signup/")
    page.get_by_label("Name").fill("Asha")
    type_phone(page, phone)
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_text("We sent a code to +91••••••4321. Enter it here.")).to_be_visible()
    return site.code_on(phone)[0]


def enter(page: Page, code: str, button: str = "Verify") -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name=button).click()


def press_resend(page: Page, javascript: bool) -> None:
    """With JavaScript the button counts down and can be pressed when it says so; without, too early a press
    is told how long to wait."""
    button = page.get_by_role("button", name="Send another code")
    if javascript:
        expect(button).to_be_disabled()
        expect(button).to_have_text(re.compile(r"Send another code in \d+:\d\d"))
        expect(page.get_by_text("You can ask for another code now.")).to_be_visible()
    else:
        button.click()
        expect(page.get_by_text(re.compile(r"You can try again in \d+ seconds?\."))).to_be_visible()
        page.wait_for_timeout(4_100)
    button.click()


def test_sign_up_log_out_and_log_in_by_phone(
    page: Page, site: ExampleSite, javascript: bool, request: pytest.FixtureRequest
) -> None:
    known, unknown = new_phone(), new_phone()
    code = sign_up(page, site, known)
    shot(page, request, "1-code")
    expect(page.get_by_label("Code from the message")).to_be_focused()
    assert page.get_by_label("Code from the message").get_attribute("aria-invalid") is None
    if javascript:
        nothing_sticks_out(page)
    enter(page, wrong(code), "Check the code")
    expect(page.get_by_text("This code is not right")).to_be_visible()
    enter(page, f"{code[:3]}-{code[3:]}", "Check the code")
    expect(page.get_by_role("heading", name="Welcome, Asha")).to_be_visible()
    page.goto("/")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("Log in by phone")).to_be_visible()

    seen = {}
    for phone in (unknown, known):
        if phone == known:
            page.wait_for_timeout(500)  # the cool-down after the sign-up's code is over for sure
        page.get_by_text("Log in by phone").click()
        type_phone(page, phone)
        page.get_by_role("button", name="Send the code").click()
        expect(page.get_by_text("If there is an account with +91••••••4321")).to_be_visible()
        seen[phone] = [page.locator("main").inner_text()]
        enter(page, "0000")
        expect(page.get_by_role("alert")).to_have_text(
            "This code is not right. Please check it and try again."
        )
        seen[phone].append(page.locator("main").inner_text())
        shot(page, request, f"2-login-{'known' if phone == known else 'unknown'}")
        if phone == unknown:
            page.goto("/")
    countdown = re.compile(r"in \d:\d\d|in \d+ seconds?")
    looks = [[countdown.sub("in ...", text) for text in texts] for texts in (seen[known], seen[unknown])]
    assert looks[0] == looks[1]
    assert site.sandbox.messages(unknown[1:]) == []
    enter(page, site.code_on(known)[0])
    expect(page.get_by_role("heading", name="Welcome, Asha")).to_be_visible()


def test_a_number_with_an_account_signs_up_once(page: Page, site: ExampleSite) -> None:
    """Only who holds the phone is told that it has an account."""
    phone = new_phone()
    enter(page, sign_up(page, site, phone), "Check the code")
    page.goto("/")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_timeout(2_100)  # the cool-down
    last = site.code_on(phone)[1]
    sign_up(page, site, phone)
    expect(page.get_by_text("There is an account")).to_have_count(0)
    enter(page, site.code_on(phone, after=last)[0], "Check the code")
    expect(page.get_by_text("There is an account with this phone number already")).to_be_visible()


def test_another_code_in_the_sign_up_form(
    page: Page, site: ExampleSite, javascript: bool, request: pytest.FixtureRequest
) -> None:
    site.sandbox.configure(otp_timeout=4.0)
    phone = new_phone()
    first = sign_up(page, site, phone)
    _first, last = site.code_on(phone)
    site.sandbox.configure(otp_timeout=60.0)
    press_resend(page, javascript)
    expect(page.get_by_text("We sent you a code.")).to_be_visible()
    second, _id = site.code_on(phone, after=last)
    shot(page, request, "1-second")
    if first != second:
        enter(page, first, "Check the code")
        expect(page.get_by_text("This code is not right")).to_be_visible()
    enter(page, second, "Check the code")
    expect(page.get_by_role("heading", name="Welcome, Asha")).to_be_visible()


def test_another_code_on_the_ready_page_and_back_to_the_wallet(
    page: Page, site: ExampleSite, javascript: bool, request: pytest.FixtureRequest
) -> None:
    site.sandbox.configure(otp_timeout=4.0)
    phone = new_phone()
    page.goto("/wallet/?order=7")
    type_phone(page, phone)
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_label("Code")).to_be_focused()
    first, last = site.code_on(phone)
    site.sandbox.configure(otp_timeout=60.0)
    press_resend(page, javascript)
    expect(page.get_by_text("We sent you a code.")).to_be_visible()
    second, _id = site.code_on(phone, after=last)
    shot(page, request, "1-second")
    if first != second:
        enter(page, first)
        expect(page.get_by_role("alert")).to_contain_text("This code is not right")
    enter(page, second)
    expect(page.get_by_text("Order 7 is ready to be paid.")).to_be_visible()
    assert page.url == f"{site.url}/wallet/?order=7"


def test_five_wrong_codes_lock(
    page: Page, site: ExampleSite, javascript: bool, request: pytest.FixtureRequest
) -> None:
    """On the ready page and in the sign-up form; the right code comes too late."""
    phone = new_phone()
    page.goto("/messagecentral/verify/")
    type_phone(page, phone)
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_role("heading", name="Enter the code")).to_be_visible()
    code_page, code = page.url, site.code_on(phone)[0]
    for _ in range(5):
        enter(page, wrong(code))
    expect(page.get_by_role("heading", name="Please wait")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text(
        re.compile(r"Too many wrong codes.*try again in \d+ second")
    )
    shot(page, request, "1-locked")
    if javascript:
        nothing_sticks_out(page)
    page.goto(code_page)  # there is nothing to enter any more
    expect(page.get_by_role("heading", name="Verify your phone number")).to_be_visible()
    type_phone(page, phone)
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_role("alert")).to_contain_text(
        "A code was sent to this number a moment ago. Please wait."
    )

    other = new_phone()
    code = sign_up(page, site, other)
    for _ in range(5):
        enter(page, wrong(code), "Check the code")
    expect(page.get_by_text("Too many wrong codes. Please start again.")).to_be_visible()
    shot(page, request, "2-sign-up")
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_text("A code was sent to this number a moment ago. Please wait.")).to_be_visible()


def test_a_members_wallet_takes_the_members_own_phone_only(
    page: Page, site: ExampleSite, request: pytest.FixtureRequest
) -> None:
    phone = new_phone()
    enter(page, sign_up(page, site, phone), "Check the code")
    expect(page.get_by_role("heading", name="Welcome, Asha")).to_be_visible()
    last = site.code_on(phone)[1]
    page.wait_for_timeout(2_100)  # the cool-down
    page.goto("/wallet/?order=8&from=home")
    expect(page.get_by_text("To go on, we send a code to +91••••••4321.")).to_be_visible()
    expect(page.get_by_label("Phone number")).to_have_count(0)
    shot(page, request, "1-named")
    page.get_by_role("button", name="Send the code").click()
    enter(page, site.code_on(phone, after=last)[0])
    expect(page.get_by_text("Order 8 is ready to be paid.")).to_be_visible()
    assert page.url == f"{site.url}/wallet/?order=8&from=home"


def test_no_door_leads_to_another_site(page: Page, site: ExampleSite) -> None:
    phone = new_phone()
    page.goto("/messagecentral/verify/?next=https://evil.example/")
    type_phone(page, phone)
    page.get_by_role("button", name="Send the code").click()
    enter(page, site.code_on(phone)[0])
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    assert page.url == f"{site.url}/messagecentral/verify/done/"


def test_the_second_code_comes_by_whatsapp(
    chromium: Browser,
    size: str,
    javascript: bool,
    own_codes: ExampleSite,
    request: pytest.FixtureRequest,
) -> None:
    with visitor(chromium, own_codes.url, size, javascript) as page:
        phone = new_phone()
        page.goto("/wallet/?order=9")
        type_phone(page, phone)
        page.get_by_role("button", name="Send the code").click()
        first, last = own_codes.code_on(phone)
        page.wait_for_timeout(2_100)  # the cool-down; a code of the site's own can be sent again at once
        page.get_by_role("button", name="Send another code").click()
        expect(page.get_by_text("We sent a code by WhatsApp to +91••••••4321.")).to_be_visible()
        shot(page, request, "1-whatsapp")
        second, _id = own_codes.code_on(phone, after=last)
        assert own_codes.sandbox.messages(phone[1:])[0]["channel"] == "WHATSAPP"
        if first != second:
            enter(page, first)
            expect(page.get_by_role("alert")).to_contain_text("This code is not right")
        enter(page, second)
        expect(page.get_by_text("Order 9 is ready to be paid.")).to_be_visible()


def test_a_code_that_did_not_arrive_is_followed_by_whatsapp(
    chromium: Browser, own_codes: ExampleSite
) -> None:
    """The carrier reports it within the cool-down; the next code comes by itself, and the page knows."""
    with visitor(chromium, own_codes.url, "phone", True) as page:
        phone = "+917999000010"  # the sandbox reports every text to it as undelivered
        page.goto("/wallet/?order=10")
        type_phone(page, phone)
        page.get_by_role("button", name="Send the code").click()
        _code, last = own_codes.code_on(phone)
        second, _id = own_codes.code_on(phone, after=last)
        assert own_codes.sandbox.messages(phone[1:])[0]["channel"] == "WHATSAPP"
        page.reload()
        expect(page.get_by_text("We sent a code by WhatsApp to")).to_be_visible()
        enter(page, second)
        expect(page.get_by_text("Order 10 is ready to be paid.")).to_be_visible()
