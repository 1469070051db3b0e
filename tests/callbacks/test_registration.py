"""The e-mail by which the vendor learns the webhook's address."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tests.settings import WEBHOOK_TOKEN

COMMAND = "messagecentral_webhook_email"


def test_the_command_prints_what_the_vendor_asks_for() -> None:
    out, err = io.StringIO(), io.StringIO()
    call_command(
        COMMAND, "https://www.example.com", email="ops@example.com", brand="Example", stdout=out, stderr=err
    )
    text = out.getvalue()
    for line in (
        "To: operations@messagecentral.com",
        "Subject: SMS Callback Integration with Message Central",
        "Customer ID: C-SANDBOX0000001",
        "Brand Name: Example",
        "Registered Email ID: ops@example.com",
        f"Callback URL: https://www.example.com/messagecentral/webhook/{WEBHOOK_TOKEN}/",
    ):
        assert line in text
    assert not err.getvalue()


def test_the_callback_url_it_names_answers(client: Client) -> None:
    out = io.StringIO()
    call_command(COMMAND, "https://www.example.com", email="ops@example.com", stdout=out)
    url = next(line for line in out.getvalue().splitlines() if line.startswith("Callback URL: ")).split(
        ": ", 1
    )[1]
    assert client.get(url.removeprefix("https://www.example.com")).status_code == 200


def test_an_address_that_the_vendor_cannot_reach_is_warned_of() -> None:
    err = io.StringIO()
    call_command(COMMAND, "http://localhost:8000", email="o@example.com", stdout=io.StringIO(), stderr=err)
    assert "cannot reach" in err.getvalue()
    assert "not https" in err.getvalue()


@pytest.mark.parametrize(
    ("given", "options", "says"),
    [
        ({"EMAIL": ""}, {}, "e-mail"),
        ({"CUSTOMER_ID": ""}, {"email": "o@example.com"}, "CUSTOMER_ID"),
        ({"WEBHOOK_TOKENS": ()}, {"email": "o@example.com"}, "WEBHOOK_TOKENS"),
        ({}, {"email": "o@example.com", "token": 2}, "number 2"),
    ],
)
def test_what_is_missing_is_named(settings: Any, given: Any, options: Any, says: str) -> None:
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, **given}
    with pytest.raises(CommandError, match=says):
        call_command(COMMAND, "https://www.example.com", stdout=io.StringIO(), **options)


@pytest.mark.django_db
class TestTheAdminPage:
    URL = "/admin/messagecentral/callback/register/"

    def test_it_writes_the_same_e_mail(self, admin_client: Client) -> None:
        assert "Register the webhook" in admin_client.get("/admin/messagecentral/callback/").content.decode()
        page = admin_client.post(
            self.URL, {"site": "https://www.example.com", "email": "o@example.com", "token": 1}
        )
        assert f"https://www.example.com/messagecentral/webhook/{WEBHOOK_TOKEN}/" in page.content.decode()
        assert "no-store" in page.headers["Cache-Control"]

    def test_what_is_missing_is_said_on_the_form(self, admin_client: Client) -> None:
        page = admin_client.post(
            self.URL, {"site": "https://www.example.com", "email": "o@example.com", "token": 7}
        )
        assert "no token number 7" in page.content.decode()

    def test_the_secret_needs_a_permission_of_its_own(self, client: Client, django_user_model: Any) -> None:
        client.force_login(django_user_model.objects.create_user("clerk", is_staff=True))
        assert client.get(self.URL).status_code == 403
