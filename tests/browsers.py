"""Chromium for the tests: desktop and phone size, with JavaScript and without, and pictures for people."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.services import CHROMIUM

SIZES: dict[str, Any] = {
    "desktop": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    allow = pytest.MonkeyPatch()
    allow.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright runs a loop in this thread
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM or None, args=arguments)
        yield browser
        browser.close()
    allow.undo()


@pytest.fixture(params=["desktop", "phone"])
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[True, False], ids=["js", "nojs"])
def javascript(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@contextmanager
def visitor(chromium: Browser, url: str, size: str, javascript: bool, **more: Any) -> Iterator[Page]:
    """A new visitor of the site at ``url``. No page may raise, refuse a request, or break its own policy."""
    context = chromium.new_context(
        **{
            "viewport": SIZES[size],
            "base_url": url,
            "java_script_enabled": javascript,
            "locale": "en-GB",
            **more,
        }
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda failed: wrong.append(failed.url))
    page.on(
        "console",
        lambda message: wrong.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield page
    page.wait_for_load_state()  # what a closing browser breaks off is nobody's fault
    before_closing = list(wrong)
    context.close()
    assert before_closing == []


def shot(page: Page, request: pytest.FixtureRequest, name: str) -> None:
    """A picture for people, where MESSAGECENTRAL_TEST_SCREENSHOTS names a directory."""
    if folder := os.environ.get("MESSAGECENTRAL_TEST_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{request.node.name}-{name}.png", full_page=True)


def nothing_sticks_out(page: Page) -> None:
    """No sideways scrolling (measured where scripts may run)."""
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide
