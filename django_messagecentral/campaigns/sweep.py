"""The sweep: looks at the database and restarts whatever should be going on and is not.

Run it every ten seconds or so (celery beat, ``django_messagecentral.tasks.BEAT_SCHEDULE``). The broker
may have lost everything and every worker may have died: all that is needed is in the rows. Each step is
safe when run twice at once, and a step that fails does not keep the others from running.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from django_messagecentral.callbacks import processing
from django_messagecentral.campaigns import completion, service, silence
from django_messagecentral.campaigns.changing import SWEEP, caused_by
from django_messagecentral.campaigns.models import Campaign, CampaignUpload
from django_messagecentral.campaigns.states import LIVE, CampaignStatus
from django_messagecentral.conf import app_settings
from django_messagecentral.db import database_now
from django_messagecentral.messaging import counters
from django_messagecentral.messaging.claims import longest_call
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.routing.following import time_out
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.transitions import move
from django_messagecentral.webhooks import calling, delivering

logger = logging.getLogger("django_messagecentral.sweep")

BATCH = 1_000
TASK_EXPIRES = 60  # seconds; a task that no worker took by then is sent again by a later sweep
ORPHAN_AFTER = 30.0  # seconds a single message may wait for its own task before the sweep sends another
SIGN_AFTER = 60.0  # seconds after which a campaign that only waits is signed for


def sweep() -> None:
    """Every step once."""
    for step in STEPS:
        try:
            step()
        except Exception:  # one broken step (a full disk, a bad row) must not stop the rest of the house
            logger.exception("sweep step %s failed", step.__name__)


def settle_dead_claims() -> int:
    """Messages whose worker's lease ended, and whose longest possible call is over, may have left:
    ``unconfirmed``.
    """
    past = database_now(Message) - timedelta(seconds=longest_call())
    dead = Message.objects.filter(status=Status.SENDING, lease_until__lt=past).order_by("pk")
    total = last = 0
    while ids := list(dead.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        last = ids[-1]
        fields = {
            "error": _("The worker stopped before the answer was stored: it may have left."),
            "submitted_at": F("lease_until") - timedelta(seconds=app_settings.LEASE),  # when it was claimed
        }
        rows = Message.objects.filter(pk__in=ids, lease_until__lt=past)
        # A worker stopped in the middle of a transaction holds its rows: the next sweep has them.
        moved = move(rows, Status.SENDING, Status.UNCONFIRMED, Cause.SWEEP, fields, skip_locked=True)
        total += len(moved)
    if total:
        logger.warning("%d messages are unconfirmed: their worker died", total)
    return total


def restart_imports() -> None:
    """Imports that nobody works on."""
    from django_messagecentral.campaigns.tasks import import_upload

    idle = Q(claim__isnull=True, created_at__lt=timezone.now() - timedelta(seconds=5)) | Q(
        lease_until__lt=Now()
    )
    waiting = CampaignUpload.objects.filter(
        idle,
        status__in=(CampaignUpload.Status.PENDING, CampaignUpload.Status.IMPORTING),
        campaign__status=CampaignStatus.IMPORTING,
    )
    for pk in waiting.values_list("pk", flat=True):
        import_upload.apply_async((pk,), expires=TASK_EXPIRES)


@caused_by(SWEEP)
def start_scheduled() -> None:
    """Start what is due; what is overdue by more than the grace waits for a person."""
    for campaign in Campaign.objects.filter(
        status=CampaignStatus.SCHEDULED, scheduled_at__lte=timezone.now()
    ):
        due = campaign.scheduled_at or timezone.now()
        try:
            if timezone.now() - due > timedelta(seconds=app_settings.MISSED_START_GRACE):
                service.pause(campaign, _("Its start was missed by more than an hour: look, then resume."))
            else:
                service.start(campaign, only_from=(CampaignStatus.SCHEDULED,))
        except service.CampaignError as error:  # somebody was quicker
            logger.info("scheduled campaign %s: %s", campaign.public_id, error)


def pause_silent() -> None:
    """Campaigns that nobody has worked on for over an hour."""
    silence.pause_silent(Campaign.objects.all())


def _work() -> Exists:
    """Whether a campaign has messages that could leave now."""
    due = Q(not_before__isnull=True) | Q(not_before__lte=Now())
    return Exists(
        Message.objects.filter(due, campaign=OuterRef("pk"), status__in=(Status.DRAFT, Status.QUEUED))
    )


def sign_for_waiting() -> None:
    """A sign of life for campaigns that no worker can have anything to do on: all their messages wait (quiet
    hours, a vendor that asked for time), or the site does not send. Their silence is no outage.
    """
    quiet = Campaign.objects.filter(
        status=CampaignStatus.SENDING,
        heartbeat_at__lt=database_now(Campaign) - timedelta(seconds=SIGN_AFTER),
    )
    if app_settings.SENDING_ENABLED:
        quiet = quiet.exclude(_work())
    for pk in list(quiet.values_list("pk", flat=True)):
        Campaign.objects.filter(pk=pk, status=CampaignStatus.SENDING).update(heartbeat_at=Now())


def call_missing_pullers() -> None:
    """Sending campaigns with messages that could leave now and an empty seat."""
    seat = Q(slots__claim__isnull=True) | Q(slots__lease_until__lt=Now())
    for pk in (
        Campaign.objects.filter(seat, _work(), status=CampaignStatus.SENDING)
        .values_list("pk", flat=True)
        .distinct()
    ):
        service.call_pullers(pk)


def close_complete() -> None:
    """Sending and paused campaigns in which nothing waits any more."""
    for pk in Campaign.objects.filter(status__in=LIVE).values_list("pk", flat=True):
        completion.complete(pk)


def cancel_leftovers() -> None:
    """Messages that workers put back into the queue of a campaign cancelled meanwhile."""
    waiting = Message.objects.filter(campaign=OuterRef("pk"), status__in=(Status.DRAFT, Status.QUEUED))
    for pk in Campaign.objects.filter(Exists(waiting), status=CampaignStatus.CANCELLED).values_list(
        "pk", flat=True
    ):
        service.cancel_messages(pk)


def send_orphans() -> None:
    """Single messages whose task was lost, or that are due again."""
    from django_messagecentral.messaging.tasks import deliver_message

    now = timezone.now()
    due = Q(not_before__isnull=True, updated_at__lt=now - timedelta(seconds=ORPHAN_AFTER)) | Q(
        not_before__lte=now
    )
    orphans = Message.objects.filter(due, campaign__isnull=True, status=Status.QUEUED).order_by("pk")
    for pk in orphans.values_list("pk", flat=True)[:BATCH]:
        deliver_message.apply_async((pk,), expires=TASK_EXPIRES)


def process_callbacks() -> None:
    """Delivery reports whose task was lost, or that are due for another try."""
    if processing.due().exists():
        processing.forget_call()  # the task that the mark speaks of may be lost
        processing.call_worker()


def call_verification_sweep() -> None:
    """Codes to fall back from, verifications that are over. A task of its own:
    a fallback calls the vendor.
    """
    from django_messagecentral.verification.tasks import sweep_verifications

    sweep_verifications.apply_async(expires=TASK_EXPIRES)


def call_for_webhooks() -> None:
    """Events for subscribers whose task was lost, or that are due for another try."""
    if delivering.is_due():
        calling.forget_call()
        calling.call_worker()


STEPS: tuple[Callable[[], object], ...] = (
    settle_dead_claims,
    pause_silent,
    sign_for_waiting,
    start_scheduled,
    restart_imports,
    call_missing_pullers,
    close_complete,
    cancel_leftovers,
    send_orphans,
    process_callbacks,
    time_out,
    call_verification_sweep,
    call_for_webhooks,
    counters.fold_all,
)
