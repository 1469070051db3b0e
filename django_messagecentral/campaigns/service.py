"""What can be done with a campaign. Every door (admin, API, command, a site's own code) comes through here.

::

    campaign = create_campaign("Diwali", "Hello ##var##!", file="customers.xlsx")
    ...                                  # a Celery task reads the sheet
    launch(campaign)
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

from django.core.files import File
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from django_messagecentral.campaigns import sources
from django_messagecentral.campaigns.changing import change
from django_messagecentral.campaigns.models import Campaign, CampaignUpload, DispatchSlot
from django_messagecentral.campaigns.sheet.filecheck import check_file
from django_messagecentral.campaigns.sheet.opening import open_sheet
from django_messagecentral.campaigns.sheet.recipients import RowReader
from django_messagecentral.campaigns.states import TAKES_UPLOADS, CampaignStatus, sources_of
from django_messagecentral.conf import MIB, app_settings
from django_messagecentral.db import database_for, in_transaction
from django_messagecentral.fields import unusable_fields
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.routing.policies import NO_CHANNELS, may_be
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.text import Template, TemplateError
from django_messagecentral.messaging.transitions import move

LOOK_INSIDE_BYTES = 5 * MIB  # uploads up to this size have their header read before they are taken


class CampaignError(ValueError):
    """The campaign is not in a state, or not of a kind, in which this can be done.
    The text says what to do.
    """


def create_campaign(
    name: str,
    text: str,
    *,
    file: str | os.PathLike[str] | IO[bytes] | None = None,
    user: Any = None,
    **options: Any,
) -> Campaign:
    """A new campaign, with its recipients' spreadsheet if ``file`` (a path or an open binary file) is given.

    ``options`` are the fields of :class:`~django_messagecentral.campaigns.models.Campaign`
    (``channel``, ``message_type``, ``sender_id``, ``template_id``, ``entity_id``, ``pace``, ...); what is
    not given comes from the site's settings. Raises :class:`CampaignError` or
    :class:`~django_messagecentral.campaigns.sheet.errors.UnusableSheet`, and then nothing is stored.
    """
    defaults = {
        "channel": app_settings.CHANNEL,
        "message_type": app_settings.MESSAGE_TYPE,
        "sender_id": app_settings.SENDER_ID,
    }
    if not options.get("template_id") and not options.get("entity_id"):
        defaults |= {"template_id": app_settings.TEMPLATE_ID, "entity_id": app_settings.ENTITY_ID}
    campaign = Campaign(name=name, text=text, created_by=user, **{**defaults, **options})
    check_fields(campaign)
    if file is None:
        campaign.save()
    else:
        add_upload(campaign, file, user=user)
    return campaign


def check_fields(campaign: Campaign) -> None:
    """Refuse values that cannot be stored or sent. Raises :class:`CampaignError`: it says which and why."""
    if not (isinstance(campaign.text, str) and campaign.text.strip()):
        raise CampaignError(_("The text is empty: give the campaign something to say."))
    if bool(campaign.template_id) != bool(campaign.entity_id):
        raise CampaignError(_("Template ID and entity ID go together: give both or neither."))
    if campaign.pace is not None and not (isinstance(campaign.pace, int | float) and campaign.pace > 0):
        raise CampaignError(_("Give more than 0 messages a second, or leave it empty."))
    if problems := unusable_fields(campaign):
        raise CampaignError(" ".join(problems))
    if not may_be(campaign.routing):
        raise CampaignError(NO_CHANNELS)


@contextmanager
def _opened(file: str | os.PathLike[str] | IO[bytes]) -> Iterator[tuple[IO[bytes], str]]:
    if isinstance(file, (str, os.PathLike)):
        with open(file, "rb") as stream:
            yield stream, Path(file).name
    else:
        yield file, Path(getattr(file, "name", None) or "recipients.xlsx").name


def _size(stream: IO[bytes]) -> int:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    return size


def check_upload(campaign: Campaign, stream: IO[bytes], name: str = "") -> None:
    """Refuse a file that cannot be used, before it is stored. Raises :class:`UnusableSheet`.

    Of a small file the header is compared with the campaign's text too; a large one has that done by
    the import, which reads it anyway. A ``name`` that ends in .csv, .tsv or .txt makes it a list in text
    form.
    """
    size = _size(stream)
    kind = check_file(stream, size, name or getattr(stream, "name", None) or "")
    if size <= LOOK_INSIDE_BYTES:
        with open_sheet(stream, kind, locale=app_settings.UPLOAD_LOCALE) as sheet:
            RowReader(sheet.columns, campaign.text)
        stream.seek(0)


def add_upload(
    campaign: Campaign, file: str | os.PathLike[str] | IO[bytes], *, user: Any = None
) -> CampaignUpload:
    """Store a spreadsheet (.xlsx, or .csv by its name) and import it in a task after the commit. One
    import at a time a campaign.
    """
    with _opened(file) as (stream, name):
        return _take(campaign, stream, name, user)


def _take(campaign: Campaign, stream: IO[bytes], name: str, user: Any) -> CampaignUpload:
    """The file is stored before the transaction: a storage may be far away. It is removed again if the
    campaign does not take it. A campaign that is not stored yet is stored with it.
    """
    check_upload(campaign, stream, name)
    upload = CampaignUpload(original_name=name[:255], created_by=user)
    upload.file.save(name, File(stream), save=False)
    try:
        _enrol(campaign, upload)
    except BaseException:
        upload.file.delete(save=False)
        raise
    return upload


def _enrol(campaign: Campaign, upload: CampaignUpload) -> None:
    from django_messagecentral.campaigns.tasks import import_upload

    using = database_for(Campaign)
    with transaction.atomic(using=using):
        if campaign._state.adding:
            campaign.save()
        _enter(campaign, CampaignStatus.IMPORTING, only_from=TAKES_UPLOADS, status_reason="")
        upload.campaign = campaign
        upload.save()
        transaction.on_commit(partial(import_upload.delay, upload.pk), using=using, robust=True)


def add_recipients(
    campaign: Campaign,
    recipients: Iterable[Any],
    *,
    columns: sources.Columns | None = None,
    country: Any = "",
    name: str = "",
    user: Any = None,
) -> CampaignUpload:
    """Add recipients that the site's own code knows: phones, mappings, sequences, or a queryset::

        vips = Customer.objects.filter(vip=True)
        add_recipients(campaign, vips, columns={"Mobile": "phone", "name": "first_name"})

    ``columns`` is explained at :func:`~django_messagecentral.campaigns.sources.as_table`; ``country`` (a
    dialling code, an ISO code or a name) is that of numbers without a code of their own. They are written to
    a list, read once from beginning to end and never held whole, which a task then imports like an upload.
    Raises :class:`CampaignError` or :class:`UnusableSheet`.
    """
    try:
        header, rows = sources.as_table(recipients, columns)
    except sources.UnusableList as error:
        raise CampaignError(str(error)) from None
    stream, _count = sources.as_file(header, rows, country=country)
    with stream:
        return _take(campaign, stream, f"{name or _('recipients')}.csv", user)


def add_numbers(campaign: Campaign, text: str, *, country: Any = "", user: Any = None) -> CampaignUpload:
    """Add numbers that a person typed: one a line, or separated by commas or semicolons."""
    numbers = sources.typed_numbers(text)
    return add_recipients(campaign, numbers, country=country, name=_("typed numbers"), user=user)


@in_transaction(Campaign)
def _enter(campaign: Campaign, new: CampaignStatus, *, only_from: Any = None, **fields: Any) -> None:
    """Move the campaign by one conditional UPDATE: of two people who press a button at once, one wins."""
    sources = [status for status in sources_of(new) if only_from is None or status in only_from]
    if change(Campaign.objects.filter(pk=campaign.pk, status__in=sources), new, **fields) is None:
        if not Campaign.objects.filter(pk=campaign.pk).exists():
            raise CampaignError(_("Somebody has deleted the campaign."))
        campaign.refresh_from_db()
        raise _refusal(campaign, new)
    campaign.refresh_from_db()


def _refusal(campaign: Campaign, new: CampaignStatus) -> CampaignError:
    return CampaignError(
        _("The campaign is %(now)s, so it cannot become %(new)s.")
        % {"now": campaign.get_status_display(), "new": new.label}
    )


def check_text(campaign: Campaign, text: str) -> None:
    """Refuse a text whose variables the uploaded sheets lack. Raises :class:`CampaignError`."""
    for upload in campaign.uploads.filter(status=CampaignUpload.Status.DONE):
        try:
            Template.parse(text).bind(upload.columns)
        except TemplateError as error:
            raise CampaignError(
                _("The text uses %(missing)s, but the sheet %(sheet)s has no such column.")
                % {"missing": ", ".join(f"##{name}##" for name in error.missing), "sheet": upload}
            ) from None


def launch(campaign: Campaign, *, at: datetime | None = None) -> Campaign:
    """Start sending now, or at ``at`` (aware). Raises :class:`CampaignError`; of two launches one wins."""
    if not Message.objects.of_campaign(campaign).filter(status=Status.DRAFT).exists():
        campaign.refresh_from_db()
        if campaign.status not in (*TAKES_UPLOADS, CampaignStatus.IMPORTING):  # somebody was quicker
            raise _refusal(campaign, CampaignStatus.SENDING)
        raise CampaignError(
            _("The campaign has no recipients yet. Upload a spreadsheet, and mend its rejected rows.")
        )
    check_text(campaign, campaign.text)
    if at is not None and at <= timezone.now():
        raise CampaignError(_("This moment has passed. Choose a later one, or none to start now."))
    if at is not None:
        _enter(campaign, CampaignStatus.SCHEDULED, scheduled_at=at, status_reason="")
        return campaign
    return start(campaign, only_from=(CampaignStatus.READY,))


@in_transaction(Campaign)
def start(campaign: Campaign, *, only_from: Any = None) -> Campaign:
    """Enter ``sending`` and call the pullers. Used by launch, resume, the schedule and a resend."""
    now = timezone.now()
    _enter(
        campaign,
        CampaignStatus.SENDING,
        only_from=only_from,
        status_reason="",
        heartbeat_at=Now(),
        failures_in_row=0,
        completed_at=None,
        launched_at=campaign.launched_at or now,
    )
    for number in range(app_settings.DISPATCH_PULLERS):
        DispatchSlot.objects.get_or_create(campaign=campaign, number=number)
    transaction.on_commit(partial(call_pullers, campaign.pk), using=database_for(Campaign), robust=True)
    return campaign


def call_pullers(campaign_id: int) -> None:
    """Put one task a seat into the broker. One too many finds no seat and ends."""
    from django_messagecentral.campaigns.tasks import dispatch_campaign

    for _number in range(app_settings.DISPATCH_PULLERS):
        dispatch_campaign.apply_async((campaign_id,), expires=60)


def pause(campaign: Campaign, reason: str = "") -> Campaign:
    """Stop within two seconds; what a worker has begun is finished, the rest stays queued."""
    _enter(campaign, CampaignStatus.PAUSED, status_reason=reason[:300])
    return campaign


def resume(campaign: Campaign) -> Campaign:
    """Go on where it stopped."""
    return start(campaign, only_from=(CampaignStatus.PAUSED,))


def cancel(campaign: Campaign, reason: str = "") -> Campaign:
    """Stop for good within two seconds; what has not left never will."""
    from django_messagecentral.campaigns.tasks import cancel_messages_of

    using = database_for(Campaign)
    with transaction.atomic(using=using):
        _enter(campaign, CampaignStatus.CANCELLED, status_reason=reason[:300])
        # A running import finds its claim gone and stores no more.
        CampaignUpload.objects.filter(
            campaign=campaign, status__in=(CampaignUpload.Status.PENDING, CampaignUpload.Status.IMPORTING)
        ).update(
            status=CampaignUpload.Status.FAILED,
            error=_("The import was broken off: the campaign is cancelled."),
            claim=None,
            lease_until=None,
            finished_at=timezone.now(),
        )
        transaction.on_commit(partial(cancel_messages_of.delay, campaign.pk), using=using, robust=True)
    return campaign


def cancel_messages(campaign_id: int, limit: int = 5_000) -> int:
    """Move waiting messages of a cancelled campaign to ``cancelled``, ``limit`` at a time;
    how many were moved.
    """
    moved = 0
    if not Campaign.objects.filter(pk=campaign_id, status=CampaignStatus.CANCELLED).exists():
        return moved
    for status in (Status.DRAFT, Status.QUEUED):
        waiting = Message.objects.filter(campaign=campaign_id, status=status).order_by("pk")
        while ids := list(waiting.values_list("pk", flat=True)[:limit]):
            moved += len(move(Message.objects.filter(pk__in=ids), status, Status.CANCELLED, Cause.PLAN))
    return moved
