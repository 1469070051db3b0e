"""The e-mail by which the vendor is asked to call this site's webhook, ready to be sent.

Vendor document, "SMS Callback Integration with Message Central": customer id, brand name, registered
e-mail and callback URL to operations@messagecentral.com, under a fixed subject line. It is read by the
vendor's people, so it is written in English whatever the language of the site.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from django.urls import reverse

from django_messagecentral.conf import app_settings

RECIPIENT = "operations@messagecentral.com"
SUBJECT = "SMS Callback Integration with Message Central"


class NotReady(ValueError):
    """Something is missing without which the vendor could not call. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The e-mail; ``url`` holds the secret token, so it is for the vendor's eyes only."""

    to: str
    subject: str
    body: str
    url: str
    warnings: tuple[str, ...] = ()

    @property
    def mailto(self) -> str:
        """A link that opens it in a mail program."""
        query = urlencode({"subject": self.subject, "body": self.body}, quote_via=quote)
        return f"mailto:{self.to}?{query}"

    def __str__(self) -> str:
        return f"To: {self.to}\nSubject: {self.subject}\n\n{self.body}"


def registration(site: str, *, brand: str = "", email: str = "", token_number: int = 1) -> Registration:
    """The e-mail for the site at ``site`` (``https://www.example.com``).

    ``email`` is the address that the vendor's account is registered with (the setting ``EMAIL`` otherwise);
    ``token_number`` counts ``WEBHOOK_TOKENS`` from 1, for a rotation. Raises :class:`NotReady`.
    """
    parts = urlsplit(site if "//" in site else f"https://{site}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotReady("Give the site's public address, e.g. https://www.example.com.")
    tokens = app_settings.WEBHOOK_TOKENS
    if not 1 <= token_number <= len(tokens) or not tokens[token_number - 1]:
        raise NotReady(f'MESSAGECENTRAL["WEBHOOK_TOKENS"] has no token number {token_number}.')
    if not app_settings.CUSTOMER_ID:
        raise NotReady('MESSAGECENTRAL["CUSTOMER_ID"] is empty: it stands in the vendor\'s dashboard.')
    email = email or app_settings.EMAIL
    if not email:
        raise NotReady('Give the e-mail address of the vendor\'s account, or set MESSAGECENTRAL["EMAIL"].')
    path = reverse("messagecentral:webhook", args=[tokens[token_number - 1]])
    url = f"{parts.scheme}://{parts.netloc}{path}"
    body = "\n".join(
        [
            "Dear Message Central team,",
            "",
            "please send the delivery callbacks of our account to the URL below.",
            "",
            f"Customer ID: {app_settings.CUSTOMER_ID}",
            f"Brand Name: {brand or app_settings.SENDER_ID or parts.hostname}",
            f"Registered Email ID: {email}",
            f"Callback URL: {url}",
            "",
            "The URL takes HTTP POST requests with a JSON body and answers 200. It answers GET and HEAD too,",
            "if you would like to check it. It contains a secret: please treat it as one.",
            "",
        ]
    )
    return Registration(RECIPIENT, SUBJECT, body, url, tuple(_warnings(parts.scheme, parts.hostname)))


def _warnings(scheme: str, host: str) -> list[str]:
    found = []
    if scheme != "https":
        found.append("The address is not https: the secret would travel in clear.")
    if host in ("localhost", "127.0.0.1", "::1", "testserver") or host.endswith((".local", ".test")):
        found.append("The vendor cannot reach this host from the internet.")
    return found
