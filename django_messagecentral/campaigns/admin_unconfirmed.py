"""The admin's pages on which an operator decides about unconfirmed messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.progress import Progress, progress
from django_messagecentral.campaigns.service import CampaignError
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.campaigns.unconfirmed import (
    RESENDS_FROM,
    give_up_unconfirmed,
    resend_unconfirmed,
    unconfirmed,
)
from django_messagecentral.messaging.states import Status

LAUNCH = "messagecentral.launch_campaign"

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    Base = ModelAdmin
else:
    Base = object


class UnconfirmedMixin(Base):
    """Two pages for a campaign's admin, each with its warning, and the buttons that lead there."""

    _url: Callable[[str, Campaign], str]
    _campaign: Callable[..., Campaign]
    _page: Callable[..., HttpResponse]

    def unconfirmed_views(self) -> dict[str, Callable[..., HttpResponse]]:
        return {"resend": self.resend_view, "give_up": self.give_up_view}

    def unconfirmed_buttons(self, campaign: Campaign, shown: Progress) -> list[dict[str, Any]]:
        """For those who may launch; the count comes from the counters, whatever the campaign's size."""
        if not shown.report.counts[Status.UNCONFIRMED]:
            return []
        buttons = []
        if campaign.status in RESENDS_FROM:
            buttons.append({"name": "resend", "label": _("Resend unconfirmed…")})
        buttons.append({"name": "give_up", "label": _("Give up unconfirmed…")})
        return [
            {"label": b["label"], "url": self._url(str(b["name"]), campaign), "method": "get"}
            for b in buttons
        ]

    def resend_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self._campaign(request, pk, LAUNCH)
        if request.method == "POST":
            return self._decide(request, campaign, resend_unconfirmed, self._queued)
        return self._ask(request, campaign, "resend", _("Resend unconfirmed messages of %(name)s"))

    def give_up_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self._campaign(request, pk, LAUNCH)
        if request.method == "POST":
            return self._decide(request, campaign, give_up_unconfirmed, self._given_up)
        return self._ask(request, campaign, "give_up", _("Give up unconfirmed messages of %(name)s"))

    @staticmethod
    def _queued(count: int) -> str:
        return ngettext(
            "%(n)d unconfirmed message is sent again.", "%(n)d unconfirmed messages are sent again.", count
        ) % {"n": count}

    @staticmethod
    def _given_up(count: int) -> str:
        return ngettext(
            "%(n)d unconfirmed message counts as failed.",
            "%(n)d unconfirmed messages count as failed.",
            count,
        ) % {"n": count}

    def _ask(self, request: HttpRequest, campaign: Campaign, name: str, title: Any) -> HttpResponse:
        return self._page(
            request,
            campaign,
            name,
            title % {"name": campaign},
            found=unconfirmed(campaign),
            progress=progress(campaign),
            is_paused=campaign.status == CampaignStatus.PAUSED,
            may_resend=campaign.status in RESENDS_FROM,
        )

    def _decide(
        self,
        request: HttpRequest,
        campaign: Campaign,
        action: Callable[[Campaign], int],
        said: Callable[[int], str],
    ) -> HttpResponse:
        try:
            done = said(action(campaign))
        except CampaignError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, campaign, done)
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(self._url("change", campaign))
