"""The pages in Chromium: desktop and phone size, with JavaScript and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from django_messagecentral.verification.models import Verification
from tests.browsers import chromium, javascript, nothing_sticks_out, shot, size, visitor
from tests.verification.conftest import PHONE
from tests.verification.fakes import FakeVendor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.verification.urls"),
]
__all__ = ["chromium", "javascript", "size"]  # fixtures


@pytest.fixture
def page(chromium: Browser, size: str, javascript: bool, live_server: Any) -> Iterator[Page]:
    with visitor(chromium, live_server.url, size, javascript) as opened:
        yield opened


def ask_for_a_code(page: Page, vendor: FakeVendor) -> str:
    page.goto("/mc/verify/?next=/welcome/")
    page.get_by_label("Country").select_option("IN")
    page.get_by_label("Phone number", exact=True).last.fill("98765 43210")
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_role("heading", name="Enter the code")).to_be_visible()
    return vendor.code_of(PHONE)


def test_a_visitor_verifies_a_phone(
    page: Page, vendor: FakeVendor, javascript: bool, request: pytest.FixtureRequest
) -> None:
    page.goto("/mc/verify/")
    shot(page, request, "1-start")
    code = ask_for_a_code(page, vendor)
    shot(page, request, "2-code")
    if javascript:
        nothing_sticks_out(page)
        expect(page.get_by_role("button", name="Send another code in")).to_be_disabled()
    page.get_by_label("Code").fill(vendor.wrong_code(PHONE))
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is not right")
    shot(page, request, "3-wrong")
    page.get_by_label("Code").fill(f"{code[:3]}-{code[3:]}")
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("welcome")).to_be_visible()
    assert Verification.objects.get().status == "verified"
    page.goto("/mc/verify/done/")
    shot(page, request, "4-done")


def test_a_number_that_is_none(page: Page, request: pytest.FixtureRequest, javascript: bool) -> None:
    page.goto("/mc/verify/")
    page.get_by_label("Country").select_option("IN")
    page.get_by_label("Phone number", exact=True).last.fill("12")
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_role("alert")).to_be_visible()
    shot(page, request, "1-invalid")
    if javascript:
        nothing_sticks_out(page)


def test_another_code_when_the_first_is_over(
    page: Page, vendor: FakeVendor, javascript: bool, configure: Callable[..., None]
) -> None:
    configure(OTP_COOLDOWNS=(2,))
    vendor.timeout = 2.0
    first = ask_for_a_code(page, vendor)
    if javascript:
        expect(page.locator("[data-mc-resend-status]")).to_have_text("You can ask for another code now.")
    else:
        page.get_by_role("button", name="Send another code").click()
        expect(page.get_by_role("status").first).to_contain_text("You can try again in")
        page.wait_for_timeout(2100)
    page.get_by_role("button", name="Send another code").click()
    expect(page.get_by_role("status").first).to_contain_text("We sent you a code.")
    assert len(vendor.otps) == 2
    assert vendor.codes[vendor.otps[0][2]] == first


def test_five_wrong_codes_lock(page: Page, vendor: FakeVendor, request: pytest.FixtureRequest) -> None:
    ask_for_a_code(page, vendor)
    for _ in range(5):
        page.get_by_label("Code").fill(vendor.wrong_code(PHONE))
        page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("heading", name="Please wait")).to_be_visible()
    shot(page, request, "1-locked")


def test_sign_up_with_a_form_of_the_sites_own(
    page: Page, vendor: FakeVendor, settings: Any, request: pytest.FixtureRequest
) -> None:
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [Path(__file__).parent / "templates"]}]
    page.goto("/join/")
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Last name").fill("98765 43210")
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text("We sent a code to +91••••••3210")).to_be_visible()
    shot(page, request, "1-code")
    page.get_by_label("Code from the message").fill(vendor.code_of(PHONE))
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text("welcome")).to_be_visible()


def test_the_second_code_comes_by_another_channel(
    page: Page, vendor: FakeVendor, javascript: bool, configure: Callable[..., None]
) -> None:
    configure(OTP_CHANNELS=("SMS", "WHATSAPP"), OTP_MODE="own", OTP_TEMPLATE="{code}", OTP_COOLDOWNS=(1,))
    page.goto("/mc/verify/")
    page.get_by_label("Phone number", exact=True).last.fill("98765 43210")
    page.get_by_role("button", name="Send the code").click()
    page.wait_for_timeout(1100)
    page.get_by_role("button", name="Send another code").click()
    expect(page.get_by_role("status").first).to_contain_text("We sent you a code.")
    assert [message.channel for message in vendor.messages] == ["SMS", "WHATSAPP"]
    page.get_by_label("Code").fill(vendor.messages[-1].text)
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible()


def test_a_pasted_code_is_tidied(page: Page, vendor: FakeVendor, javascript: bool) -> None:
    ask_for_a_code(page, vendor)
    field = page.get_by_label("Code")
    if javascript:
        field.evaluate(
            """(input) => { const data = new DataTransfer(); data.setData("text", "123-456");
            input.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, cancelable: true})); }"""
        )
        expect(field).to_have_value("123456")
    else:
        field.fill("123-456")
        expect(field).to_have_value("123-456")  # the server reads it


def test_the_browser_reads_the_code_from_the_message(
    page: Page, vendor: FakeVendor, javascript: bool
) -> None:
    """WebOTP, played by a stand-in: the code fills itself in and the form goes off."""
    if javascript:
        page.add_init_script(
            """window.OTPCredential = class {}; let give;
            window.messageArrives = (code) => give({code});
            navigator.credentials.get = (asked) => asked.otp.transport[0] === "sms"
                ? new Promise((resolve) => { give = resolve; }) : Promise.reject();"""
        )
    code = ask_for_a_code(page, vendor)
    if javascript:
        page.evaluate("(code) => window.messageArrives(code)", code)
    else:
        page.get_by_label("Code").fill(code)
        page.keyboard.press("Enter")
    expect(page.get_by_text("welcome")).to_be_visible()


@pytest.mark.parametrize("language", ["ar"])
def test_right_to_left(
    chromium: Browser, live_server: Any, vendor: FakeVendor, language: str, request: pytest.FixtureRequest
) -> None:
    with visitor(chromium, live_server.url, "phone", True, locale=language) as page:
        page.goto("/mc/verify/")
        assert page.locator("html").get_attribute("dir") == "rtl"
        nothing_sticks_out(page)
        shot(page, request, "rtl")
