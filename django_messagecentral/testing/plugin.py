"""The pytest plugin. pytest loads it before Django is set up, so Django is imported in the fixtures only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django_messagecentral.backends.locmem import Outbox


@pytest.fixture
def messagecentral_outbox() -> Iterator[Outbox]:
    """For the time of one test nothing leaves: what would is in this list, codes included.

    ::

        def test_login(client, messagecentral_outbox):
            client.post("/login/", {"phone": "+919876543210"})
            code = messagecentral_outbox.last_code("+919876543210")
            messagecentral_outbox.fail_next(Outcome.MAY_HAVE_LEFT)
    """
    from django.conf import settings
    from django.test import override_settings

    from django_messagecentral.backends.locmem import outbox
    from django_messagecentral.conf import SETTINGS_NAME

    given = dict(getattr(settings, SETTINGS_NAME, {}))
    given["BACKEND"] = "django_messagecentral.backends.locmem.LocmemBackend"
    with override_settings(**{SETTINGS_NAME: given}):
        outbox.reset()
        yield outbox
        outbox.reset()
