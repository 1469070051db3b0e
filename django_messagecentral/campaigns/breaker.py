"""The breaker: when a campaign's sends fail, it pauses and says why, before the whole list is spent."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import F
from django.utils.translation import gettext as _

from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.conf import app_settings
from django_messagecentral.exceptions import Outcome
from django_messagecentral.messaging import counters
from django_messagecentral.messaging.states import DELIVERY, Status
from django_messagecentral.messaging.wire import CallResult


def reason_to_pause(campaign: Campaign, calls: Sequence[CallResult]) -> str:
    """Why ``campaign`` must pause after these answers (in the order they came), or an empty string.

    What the vendor asked to be sent more slowly is no failure. The run of failures is counted over
    all workers.
    """
    if bad := next((call for call in calls if call.bad_account), None):
        return _("The vendor refuses this account's credentials: %(detail)s") % {"detail": bad.detail}
    judged = [call for call in calls if not call.slow_down]
    failures = [call for call in judged if call.outcome is not Outcome.ACCEPTED]
    if not failures:
        if judged and campaign.failures_in_row:
            Campaign.objects.filter(pk=campaign.pk).update(failures_in_row=0)
        return ""
    in_row = F("failures_in_row") + len(failures) if len(failures) == len(judged) else len(failures)
    Campaign.objects.filter(pk=campaign.pk).update(failures_in_row=in_row)
    campaign.failures_in_row = 1  # so that the next success clears it
    last = failures[-1].detail
    run = app_settings.BREAKER_FAILURES
    sending = Campaign.objects.filter(pk=campaign.pk, status=CampaignStatus.SENDING)
    if sending.filter(failures_in_row__gte=run).exists():
        return _("%(n)d sends in a row failed. The last one: %(detail)s") % {"n": run, "detail": last}
    return _share_too_high(campaign, last)


def _share_too_high(campaign: Campaign, last: str) -> str:
    counts = counters.read(campaign.pk)
    bad = counts.get(Status.FAILED, 0) + counts.get(Status.UNCONFIRMED, 0)
    tried = bad + counts.get(Status.SUBMITTED, 0) + sum(counts.get(status, 0) for status in DELIVERY)
    least, share = app_settings.BREAKER_SHARE_AFTER, app_settings.BREAKER_SHARE
    if tried < least or bad <= tried * share:
        return ""
    return _("%(bad)d of %(tried)d sends failed. The last one: %(detail)s") % {
        "bad": bad,
        "tried": tried,
        "detail": last,
    }
