"""What a stranger with a script tries against the running example site, over real HTTP, and gets: nothing."""

from __future__ import annotations

import itertools
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import requests

from tests.example.site import ExampleSite, running

NUMBERS = itertools.count(2000)
PER_ADDRESS = 60  # sends an hour from one address; all tests of this module come from the same


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleSite]:
    home = tmp_path_factory.mktemp("attacked")
    with running(home, OTP_COOLDOWNS=[1], OTP_SENDS_PER_IP_HOUR=PER_ADDRESS) as started:
        yield started


@dataclass
class App:
    """A client without cookies: one verification and the token that is the key to it."""

    site: ExampleSite
    phone: str
    purpose: str = "signup"
    id: str = ""
    token: str = ""

    def post(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        key = {"X-Verification-Token": self.token} if self.token else {}
        url = f"{self.site.url}/api/{path}"
        return requests.post(url, json=body or {}, headers=key | headers, timeout=60)

    def start(self, **headers: str) -> requests.Response:
        body = {"phone": self.phone, "purpose": self.purpose}
        answer = self.post("messagecentral/verifications/", body, **headers)
        if answer.ok:
            self.id, self.token = answer.json()["id"], answer.json()["verification_token"]
        return answer

    def check(self, code: str) -> requests.Response:
        return self.post(f"messagecentral/verifications/{self.id}/check/", {"code": code})

    @property
    def code(self) -> str:
        return self.site.code_on(self.phone)[0]


def new_phone() -> str:
    return f"+9198{next(NUMBERS)}4321"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


def at_once(calls: list[Callable[[], requests.Response]]) -> list[requests.Response]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_brute_force_over_many_verifications(site: ExampleSite) -> None:
    """New verifications do not give new guesses: ten wrong codes an hour, whoever enters them."""
    site.sandbox.configure(otp_timeout=1.0)
    phone = new_phone()
    answers: Counter[str] = Counter()
    for _ in range(5):
        attacker = App(site, phone, purpose="brute-force")
        for _ in range(30):
            started = attacker.start()
            answers[started.json().get("code", "started")] += 1
            if started.status_code == 201:
                break
            if started.json()["code"] in ("phone_locked", "phone_limit"):
                break

            time.sleep(min(1.0, started.json()["retry_after"]))
        if not attacker.id:
            continue
        for _ in range(8):
            answer = attacker.check(wrong(attacker.code)).json()
            answers[answer["code"]] += 1
            assert "proof" not in answer
    site.sandbox.configure(otp_timeout=60.0)
    assert answers["wrong_code"] <= 10
    assert answers["phone_locked"] > 0


def test_fifty_starts_at_once_send_one_code(site: ExampleSite) -> None:
    phone = new_phone()
    answers = at_once([App(site, phone).start] * 50)
    assert sum(answer.status_code == 201 for answer in answers) == 1
    assert {answer.status_code for answer in answers} == {201, 429}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status_code == 429)
    assert len(site.sandbox.messages(phone[1:])) == 1


def test_fifty_codes_at_once_spend_five_attempts_and_the_right_one_counts_once(site: ExampleSite) -> None:
    victim = App(site, new_phone())
    assert victim.start().status_code == 201
    right = victim.code
    codes = [wrong(right)] * 24 + [right] + [wrong(right)] * 25
    answers = [answer.json() for answer in at_once([partial(victim.check, code) for code in codes])]
    assert sum("proof" in answer for answer in answers) <= 1
    assert sum(answer.get("code") == "wrong_code" for answer in answers) <= 5
    after = [answer.json() for answer in at_once([lambda: victim.check(right)] * 20)]
    proofs = sum("proof" in answer for answer in [*answers, *after])
    assert proofs <= 1
    assert not any("proof" in answer for answer in after)


def test_an_id_without_its_token_and_a_token_with_another_id(site: ExampleSite) -> None:
    mine, theirs = App(site, new_phone()), App(site, new_phone())
    mine.start()
    theirs.start()
    swapped = App(site, theirs.phone, id=theirs.id, token=mine.token)
    for thief in (swapped, App(site, theirs.phone, id=theirs.id)):
        for code in (theirs.code, mine.code):
            assert thief.check(code).json()["code"] == "unknown_verification"
    assert theirs.check(theirs.code).json()["status"] == "verified"


def test_one_proof_makes_one_account_of_the_phone_it_names(site: ExampleSite) -> None:
    mine = App(site, new_phone())
    mine.start()
    proof = mine.check(mine.code).json()["proof"]
    body = {"first_name": "Eve", "phone": "+919876543210", "phone_proof": proof}
    assert App(site, mine.phone).post("members/", body).status_code == 400  # without the token
    altered = {**body, "phone_proof": proof[:-2] + ("AA" if proof[-2:] != "AA" else "BB")}
    assert mine.post("members/", altered).status_code == 400
    answers = at_once([lambda: mine.post("members/", body)] * 20)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 400: 19}
    assert {answer.json()["phone"] for answer in answers if answer.ok} == {mine.phone}


def test_a_proof_for_another_purpose_makes_no_account(site: ExampleSite) -> None:
    mine = App(site, new_phone(), purpose="newsletter")
    mine.start()
    body = {"first_name": "Eve", "phone_proof": mine.check(mine.code).json()["proof"]}
    assert mine.post("members/", body).status_code == 400


def token_in(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found
    return found.group(1)


def test_a_planted_session_is_worth_nothing_once_its_victim_has_signed_up(site: ExampleSite) -> None:
    """The attacker verifies a phone in a session and plants its cookie; or keeps it, and waits."""
    attacker, victim = requests.Session(), requests.Session()
    phone, url = new_phone(), f"{site.url}/messagecentral/verify/?purpose=payment&next=/wallet/"
    form = {"csrfmiddlewaretoken": token_in(attacker.get(url).text), "phone_0": "IN", "phone_1": phone[3:]}
    page = attacker.post(url, data=form)
    code = {"csrfmiddlewaretoken": token_in(page.text), "code": site.code_on(phone)[0]}
    assert attacker.post(page.url, data=code).url == f"{site.url}/wallet/"
    planted = attacker.cookies["sessionid"]
    victim.cookies.set("sessionid", planted, domain="127.0.0.1", path="/")

    own = new_phone()
    url = f"{site.url}/signup/"
    typed = {"first_name": "Asha", "phone_0": "IN", "phone_1": own[3:]}
    page = victim.post(url, data={**typed, "csrfmiddlewaretoken": token_in(victim.get(url).text)})
    hidden = dict(re.findall(r'name="(verification_(?:id|proof))" value="([^"]*)"', page.text))
    typed |= hidden | {"verification_code": site.code_on(own)[0]}
    welcome = victim.post(url, data={**typed, "csrfmiddlewaretoken": token_in(page.text)})
    assert "Welcome, Asha" in welcome.text
    assert victim.cookies["sessionid"] != planted
    assert "Welcome, Asha" not in attacker.get(f"{site.url}/welcome/").text
    wallet = victim.get(f"{site.url}/wallet/")  # what the attacker's phone opened stays shut for the victim
    assert "To go on, we send a code to" in wallet.text


def test_pumping_a_number_block(site: ExampleSite) -> None:
    block = f"+9197{next(NUMBERS)}4"
    answers = [App(site, f"{block}{number:03d}").start() for number in range(0, 140, 10)]
    assert [answer.status_code for answer in answers] == [201] * 10 + [429] * 4
    assert answers[-1].json()["code"] == "block_limit"


def test_a_forged_address(site: ExampleSite) -> None:
    """The last of this module: it spends what the address has."""
    codes = Counter()
    for number in range(PER_ADDRESS + 10):
        forged = {"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}"}
        codes[App(site, new_phone()).start(**forged).json().get("code", "started")] += 1
    assert codes["started"] < PER_ADDRESS
    assert codes["ip_limit"] >= 10
    assert set(codes) == {"started", "ip_limit"}
