from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from rest_framework.test import APIClient

from django_messagecentral.campaigns import service

ApiMaker = Callable[..., APIClient]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Throttles count in the cache; pullers are called by the tests themselves."""
    cache.clear()
    monkeypatch.setattr(service, "call_pullers", lambda campaign_id: None)


@pytest.fixture
def api(django_user_model: Any) -> ApiMaker:
    """``api("send_message", ...)``: a client of a user with these permissions and no others."""
    count = iter(range(100))

    def make(*permissions: str) -> APIClient:
        user = django_user_model.objects.create_user(f"script{next(count)}")
        wanted = Permission.objects.filter(content_type__app_label="messagecentral", codename__in=permissions)
        assert wanted.count() == len(permissions)
        user.user_permissions.set(wanted)
        client = APIClient()
        client.force_authenticate(user)
        return client

    return make
