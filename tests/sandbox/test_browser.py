"""The inbox in Chromium: follows what arrives, copies a code, works on a phone and without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

from django_messagecentral.sandbox import SandboxServer

from .conftest import ForeignClient

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, sandbox: SandboxServer) -> Iterator[Page]:
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


def test_texts_appear_by_themselves_and_a_code_is_copied(page: Page, client: ForeignClient) -> None:
    page.goto(client.base + "/_sandbox/")
    expect(page.get_by_text("No texts yet")).to_be_visible()
    client.otp(otpLength=6)
    bubble = page.locator("#thread li").first
    expect(bubble).to_contain_text("UTOMOB")
    code = client.inbox()[0]["otp"]
    expect(bubble.locator("mark")).to_have_text(code)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == code
    client.sms(message="Second text")
    expect(page.locator("#thread li")).to_have_count(2)
    expect(page.locator("#thread li").first).to_contain_text("Second text")
    expect(page.locator("#counts")).to_contain_text("2 texts")
    expect(page.locator("#thread .status").first).to_have_text("delivered")


def test_typing_a_search_is_not_disturbed_by_arrivals(page: Page, client: ForeignClient) -> None:
    page.goto(client.base + "/_sandbox/")
    page.get_by_role("searchbox").fill("piz")
    client.sms(message="Taxi")
    expect(page.locator("#phones li")).to_have_count(1)
    page.get_by_role("searchbox").press_sequentially("za")
    expect(page.get_by_role("searchbox")).to_have_value("pizza")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_text("No text matches.")).to_be_visible()


def test_a_delivery_is_failed_and_repeated_by_hand(
    page: Page, sandbox: SandboxServer, client: ForeignClient
) -> None:
    with SandboxServer() as site:
        sandbox.configure(callback_url=site.url + "/_sandbox/reset", callback_delay=0)
        client.sms()
        page.goto(client.base + "/_sandbox/?mobile=919876543210")
        page.get_by_role("link", name="Request and callbacks").click()
        expect(page.locator("#callbacks .reports > li")).to_have_count(1)
        page.get_by_role("button", name="Fail").click()
        expect(page.locator("#callbacks .reports > li")).to_have_count(2)
        expect(page.locator("#callbacks .reports > li").last).to_contain_text("undelivered")
        expect(page.locator("#callbacks .reports > li").last).to_contain_text("HTTP 200")
        page.get_by_role("button", name="Repeat the last").click()
        expect(page.locator("#callbacks .reports > li")).to_have_count(3)
        page.locator("summary").last.click()
        expect(page.locator("#callbacks pre").last).to_contain_text('"status": "UNDELIV"')
        sandbox.configure(callback_url=None)


def test_forgetting_everything_asks_first(page: Page, client: ForeignClient) -> None:
    client.sms()
    page.goto(client.base + "/_sandbox/tools")
    questions: list[str] = []

    def answer(dialog: Dialog) -> None:
        questions.append(dialog.message)
        if len(questions) == 1:
            dialog.dismiss()
        else:
            dialog.accept()

    page.on("dialog", answer)
    page.get_by_role("button", name="Forget everything received").click()
    assert len(client.inbox()) == 1
    page.get_by_role("button", name="Forget everything received").click()
    expect(page.locator("#counts")).to_contain_text("0 texts")
    assert client.inbox() == []
    assert len(questions) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_the_list_leads_to_a_phone_and_back(
    chromium: Browser, client: ForeignClient, scheme: str
) -> None:
    client.otp()
    client.sms("9816111111", "A long word: " + "x" * 120)
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, color_scheme=scheme, has_touch=True
    )
    page = context.new_page()
    page.goto(client.base + "/_sandbox/")
    expect(page.locator("#thread")).to_be_hidden()
    page.locator("#phones").get_by_text("+91 98161 11111").tap()
    expect(page.locator("#phones")).to_be_hidden()
    expect(page.get_by_role("heading", name="+91 98161 11111")).to_be_visible()
    for path in ("/", "/?mobile=919816111111", "/message?id=2", "/tools"):
        page.goto(client.base + "/_sandbox" + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} scrolls sideways"
    page.goto(client.base + "/_sandbox/?mobile=919816111111")
    page.get_by_role("link", name="All phones").tap()
    expect(page.locator("#phones li")).to_have_count(2)
    context.close()


def test_without_a_script_everything_is_there(chromium: Browser, client: ForeignClient) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(client.base + "/_sandbox/")
    client.otp()
    page.get_by_role("link", name="Reload").click()
    expect(page.locator("#thread li")).to_have_count(1)
    expect(page.locator(".otp code")).to_have_text(re.compile(r"^\d{4}$"))
    expect(page.get_by_role("button", name="Copy")).to_be_hidden()
    expect(page.locator("#thread time").first).to_contain_text("UTC")
    page.get_by_role("link", name="Request and callbacks").click()
    page.get_by_role("button", name="Expire").click()
    page.get_by_role("link", name="Reload").click()
    expect(page.locator("#callbacks .reports")).to_contain_text("expired")
    page.goto(client.base + "/_sandbox/?mobile=919876543210")
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("No texts yet")).to_be_visible()
    context.close()


def test_the_words_are_readable_in_both_schemes(chromium: Browser, client: ForeignClient) -> None:
    """Contrast of text against its background is at least 4.5:1 (WCAG AA)."""
    client.otp()
    client.sms("9816111111")
    for scheme in ("light", "dark"):
        context = chromium.new_context(color_scheme=scheme)
        page = context.new_page()
        for path in ("/", "/message?id=1", "/tools"):
            page.goto(client.base + "/_sandbox" + path)
            assert page.evaluate(LOW_CONTRAST) == [], (scheme, path)
        context.close()


LOW_CONTRAST = """() => {
  const parse = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const lum = ([r, g, b]) => {
    const f = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const back = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c[3] === 1) return c;
    }
    return [255, 255, 255, 1];
  };
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    const words = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    const box = e.getBoundingClientRect();
    if (!words || !box.width || getComputedStyle(e).visibility === "hidden" || box.right < 0) continue;
    const [a, b] = [lum(parse(getComputedStyle(e).color)), lum(back(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push(`${e.tagName}.${e.className}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""
