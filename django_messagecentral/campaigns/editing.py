"""Changing and deleting a campaign: what may still be changed depends on how far it has come.

::

    change_campaign(campaign, text="Hello ##var##, come by.")   # until the launch
    change_campaign(campaign, pace=20.0)                        # at any time until its end
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from django_messagecentral.campaigns.changing import change
from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
from django_messagecentral.campaigns.service import CampaignError, check_fields, check_text
from django_messagecentral.campaigns.states import NEVER_LEFT, OVER, CampaignStatus
from django_messagecentral.db import database_for, in_transaction
from django_messagecentral.messaging.models import Message

AT_ANY_TIME = ("name", "pace", "ends_at")
UNTIL_LAUNCH = ("text", "mode", "routing")
UNTIL_UPLOAD = ("channel", "message_type", "sender_id", "template_id", "entity_id")  # its messages carry them
BATCH = 2_000


def fixed_fields(campaign: Campaign) -> tuple[str, ...]:
    """Fields that can no longer be changed."""
    fixed: tuple[str, ...] = ()
    if campaign.status in OVER:
        fixed += ("pace", "ends_at")
    if campaign.status not in NEVER_LEFT:
        fixed += UNTIL_LAUNCH
    if campaign.status not in NEVER_LEFT or campaign.uploads.exists():
        fixed += UNTIL_UPLOAD
    return fixed


@in_transaction(Campaign)
def change_campaign(campaign: Campaign, **fields: Any) -> Campaign:
    """Change ``fields`` of the campaign; what is not named stays as it is.

    One conditional UPDATE: who changes the text while another person launches either comes first, and the
    new text is sent, or is refused. Raises :class:`CampaignError`, and then nothing was changed.
    """
    unknown = set(fields) - {*AT_ANY_TIME, *UNTIL_LAUNCH, *UNTIL_UPLOAD}
    if unknown:
        raise TypeError(f"not a field that can be changed: {', '.join(sorted(unknown))}")
    now = Campaign.objects.get(pk=campaign.pk)
    if fixed := [name for name in fixed_fields(now) if name in fields]:
        raise _too_late(now, fixed)
    for name, value in fields.items():
        setattr(now, name, value)
    check_fields(now)
    if "text" in fields:
        check_text(now, now.text)
    if fields and not Campaign.objects.filter(pk=now.pk, status=now.status).update(**fields):
        now.refresh_from_db(fields=["status"])
        raise _too_late(now, fields)
    campaign.refresh_from_db()
    if "text" in fields:
        from django_messagecentral.campaigns.tasks import recount_segments

        transaction.on_commit(
            partial(recount_segments.delay, campaign.pk), using=database_for(Campaign), robust=True
        )
    return campaign


def _too_late(campaign: Campaign, names: Any) -> CampaignError:
    labels = ", ".join(str(field.verbose_name) for field in Campaign._meta.fields if field.name in names)
    return CampaignError(
        _("The campaign is %(now)s: %(fields)s can no longer be changed.")
        % {"now": campaign.get_status_display(), "fields": labels}
    )


def delete_campaign(campaign: Campaign) -> None:
    """Delete a campaign of which nothing has left, with its recipients and its files.

    It is cancelled first, so that nobody can launch it meanwhile and an import ends. If this process dies on
    the way, a cancelled campaign with fewer recipients remains, which can be deleted again. Raises
    :class:`CampaignError`.
    """
    taken = Campaign.objects.filter(pk=campaign.pk, status__in=NEVER_LEFT, launched_at__isnull=True)
    if not change(taken, CampaignStatus.CANCELLED, status_reason=_("It is being deleted.")):
        campaign.refresh_from_db()
        if not can_be_deleted(campaign):
            raise CampaignError(
                _("The campaign is %(now)s: what has been sent is a record, and stays.")
                % {"now": campaign.get_status_display()}
            )
    for model, rows in (
        (Message, Message.objects.filter(campaign=campaign.pk)),
        (RejectedRow, RejectedRow.objects.filter(upload__campaign=campaign.pk)),
    ):
        while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
            model.objects.filter(pk__in=ids).delete()
    files = [upload.file for upload in CampaignUpload.objects.filter(campaign=campaign.pk)]
    Campaign.objects.filter(pk=campaign.pk).delete()
    for file in files:
        if file:
            file.delete(save=False)


def can_be_deleted(campaign: Campaign) -> bool:
    """Whether nothing of it has ever left or been about to."""
    never = (*NEVER_LEFT, CampaignStatus.CANCELLED)
    return campaign.status in never and campaign.launched_at is None
