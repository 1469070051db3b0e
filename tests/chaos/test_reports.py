"""Delivery reports come early, twice, out of order, forged and in crowds, while workers send."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter

import pytest
import requests
from django.db.models import Q

from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.report import status_of
from django_messagecentral.messaging import counters, recount
from django_messagecentral.messaging.models import CounterDelta, Message
from django_messagecentral.messaging.states import Status
from tests import worker_hooks
from tests.campaigns.conftest import mobile
from tests.house import House

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.server_database,
    pytest.mark.broker,
    pytest.mark.chaos_short,
    pytest.mark.timeout(300),
]
RECIPIENTS = 300
BYSTANDERS = 20


class Forger(threading.Thread):
    """Posts crowds of reports until it is told to stop: of messages that do not exist, of people whose
    message has not left, word for word what the vendor has sent, and to an address that it guessed.
    """

    def __init__(self, webhook: str, first_bystander: int) -> None:
        super().__init__()
        self._webhook = webhook
        self._bystander = first_bystander
        self.over = threading.Event()
        self.heard: list[dict[str, object]] = []  # the vendor's own reports, to be repeated
        self.invented = 0
        self.posted = 0
        self.answers: Counter[int] = Counter()
        self.seconds = 0.0

    def run(self) -> None:
        guessed = self._webhook.replace("token", "guess")
        began = time.monotonic()
        with requests.Session() as session:
            while not self.over.is_set():
                invented = [self._invented() for _ in range(50)]
                aimed = [self._report(f"x-{n}", self._bystander + n) for n in range(BYSTANDERS)]
                for url, reports in (
                    (self._webhook, invented),
                    (self._webhook, aimed + self.heard[-100:]),
                    (guessed, aimed),
                ):
                    answer = session.post(url, json=reports, timeout=10)
                    self.answers[answer.status_code] += 1
                    self.posted += len(reports)
        self.seconds = time.monotonic() - began

    def _invented(self) -> dict[str, object]:
        self.invented += 1
        return self._report(f"nobodys-{self.invented}", 90_000_000 + self.invented)

    def _report(self, message: str, index: int) -> dict[str, object]:
        return {
            "messageId": message,
            "status": "UNDELIV",
            "errorCode": 27,
            "mobile": f"91{mobile(index)}",
            "submitDate": "2026-11-02 13:59:18",
            "doneDate": "2026-11-02 13:59:22",
        }


def test_reports_in_every_disorder_end_in_the_right_states(house: House) -> None:
    house.sandbox.configure(
        callback_delay={"uniform": [0.0, 0.5]},
        callback_flaws={"early": 0.25, "twice": 0.25, "out_of_order": 0.25},
        delivery={"UNDELIV": 0.1, "EXPIRED": 0.1, "REJECTD": 0.1},
    )
    worker_hooks.watch_signals(house.home)
    bystanders = house.ready(BYSTANDERS, first=RECIPIENTS)
    campaign = house.launched(RECIPIENTS)
    house.start_worker()
    house.start_worker()
    forger = Forger(house.webhook, RECIPIENTS)
    forger.start()
    ours = Callback.objects.exclude(
        Q(vendor_message_id__startswith="nobodys-") | Q(vendor_message_id__startswith="x-")
    )

    def is_over() -> bool:
        forger.heard = list(ours.values_list("payload", flat=True)[:100])
        callbacks = house.sandbox.stats()["callbacks"]
        campaign.refresh_from_db()
        return (
            campaign.completed_at is not None
            and not callbacks["pending"] + callbacks["posting"]
            and not ours.filter(state__in=(Callback.State.PENDING, Callback.State.UNMATCHED)).exists()
        )

    try:
        house.swept_until(is_over)
    finally:
        forger.over.set()
        forger.join()
    house.swept_until(lambda: not Callback.objects.filter(state=Callback.State.PENDING).exists())
    print(f"{forger.posted} forged reports at {forger.posted / forger.seconds:.0f} a second")

    # The right final state: the vendor's last word.
    texts = house.sandbox.messages()
    assert len(texts) == RECIPIENTS == len(house.received())
    said = {"+" + text["mobile"]: status_of(text["status"]) for text in texts}
    assert dict(Message.objects.of_campaign(campaign).values_list("phone", "status")) == said
    assert len(set(said.values())) == 4

    # One signal a change: whatever state a message entered it left once as often, but for the last one.
    entered, balance = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for message, old, new in worker_hooks.changes(house.home):
        entered[(message, new)] += 1
        balance[(message, new)] += 1
        balance[(message, old)] -= 1
    rows = list(Message.objects.of_campaign(campaign).values_list("public_id", "status"))
    expected = {(str(public_id), status): 1 for public_id, status in rows}
    expected |= {(str(public_id), Status.QUEUED.value): -1 for public_id, _status in rows}
    assert {key: n for key, n in balance.items() if n} == expected
    # Back to the queue, untouched, is who waits for a thread when a slice ends: nobody else enters twice.
    assert {status for (_message, status), n in entered.items() if n > 1} <= {Status.QUEUED, Status.SENDING}

    # The forged ones: refused at the guessed address, stored once behind the right one, and without effect.
    assert set(forger.answers) == {200, 403}
    assert forger.answers[403] * 2 == forger.answers[200]
    assert set(Message.objects.of_campaign(bystanders).values_list("status", flat=True)) == {Status.DRAFT}
    distinct = {json.dumps(callback.payload, sort_keys=True) for callback in ours}
    assert ours.count() == len(distinct)
    assert Callback.objects.count() == len(distinct) + forger.invented + BYSTANDERS

    # Nothing unbounded grows.
    counters.fold_all()
    assert not CounterDelta.objects.exists()
    assert recount.differences(campaign.pk) == recount.differences(bystanders.pk) == []
