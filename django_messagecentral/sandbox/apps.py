"""The sandbox as an opt-in Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

WORDS = "this site sends no real messages"


class SandboxConfig(AppConfig):
    """Refuses to be there on a site that looks like a real one."""

    name = "django_messagecentral.sandbox"
    label = "messagecentral_sandbox"
    verbose_name = "Message Central sandbox"

    def ready(self) -> None:
        """With DEBUG False the site must say in words that it is meant; raises ImproperlyConfigured."""
        said = getattr(settings, "MESSAGECENTRAL_SANDBOX", {}).get("EVEN_WITHOUT_DEBUG")
        if not settings.DEBUG and said != WORDS:
            raise ImproperlyConfigured(
                "django_messagecentral.sandbox is in INSTALLED_APPS although DEBUG is False: anybody could "
                "read codes in its inbox, and no text would reach a real phone. Take it out, or, if this "
                f'site is meant to be so, set MESSAGECENTRAL_SANDBOX = {{"EVEN_WITHOUT_DEBUG": "{WORDS}"}}.'
            )
