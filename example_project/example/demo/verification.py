"""The demo's phone verification: a wrong code, the right one, and the right one again."""

import requests
from django.conf import settings

from django_messagecentral import check_verification, start_verification
from example.demo.processes import DemoError
from example.demo.screen import Screen

PHONE = "+91 99999 99001"


def run(screen: Screen) -> dict[str, str]:
    """``wrong_code``, ``right_code`` and ``second_use``: what each was answered."""
    screen.heading(f"Verifying {PHONE}")
    session = "demo"
    started = start_verification(PHONE, purpose="signup", session=session)
    if not started.ok:
        raise DemoError(f"No code was sent: {started.reason}")
    code = _code_on_the_phone()
    wrong = "".join(str((int(digit) + 1) % 10) for digit in code)
    answers = {}
    for name, given in (("wrong_code", wrong), ("right_code", code), ("second_use", code)):
        checked = check_verification(started.verification, given, session=session)
        answers[name] = "accepted" if checked.ok else "refused"
        screen.line(f"{name.replace('_', ' '):<11} {given}  {answers[name]} ({checked.reason})")
    return answers


def _code_on_the_phone() -> str:
    answer = requests.get(
        f"{settings.SANDBOX_URL}/_sandbox/messages", params={"mobile": "919999999001"}, timeout=10
    )
    newest = answer.json()[0]
    return str(newest["otp"])
