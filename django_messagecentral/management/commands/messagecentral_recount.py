"""``manage.py messagecentral_recount [ID ...] [--mend]``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging import recount


class Command(BaseCommand):
    """Exits with 1 when a counter was wrong and is left so."""

    help = "Count campaigns' messages from scratch and compare with the counters that the pages show."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaigns", nargs="*", metavar="ID", help="public ids (default: all)")
        parser.add_argument("--mend", action="store_true", help="correct it, except while sending")

    def handle(self, *args: Any, **options: Any) -> None:
        campaigns = Campaign.objects.order_by("pk")
        if wanted := options["campaigns"]:
            campaigns = campaigns.filter(public_id__in=wanted)
        wrong = left = 0
        for campaign in campaigns:
            found = recount.differences(campaign.pk)
            for difference in found:
                self.stdout.write(
                    f"{campaign.public_id} {difference.name}: "
                    f"counted {difference.counted}, actual {difference.actual}"
                )
            wrong += len(found)
            moving = campaign.status in (CampaignStatus.SENDING, CampaignStatus.IMPORTING)
            if found and options["mend"] and not moving:
                recount.mend(found)
            else:
                left += len(found)
        self.stdout.write(f"{campaigns.count()} campaigns counted, {wrong} counters wrong, {left} left so.")
        if left:
            raise CommandError("some counters are wrong", returncode=1)
