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
    started = start_verification(PHONE, purpose="signup")
    if not started.ok:
        raise DemoError(f"No code was sent: {started.message}")
    code = _code_on_the_phone()
    wrong = "".join(str((int(digit) + 1) % 10) for digit in code)
    answers = {}
    for name, given in (("wrong_code", wrong), ("right_code", code), ("second_use", code)):
        checked = check_verification(started.verification, given, token=started.token)
        answers[name] = "accepted" if checked.ok else "refused"
        screen.line(f"{name.replace('_', ' '):<11} {given}  {answers[name]} ({checked.message})")
    return answers


def _code_on_the_phone() -> str:
    answer = requests.get(
        f"{settings.SANDBOX_URL}/_sandbox/messages", params={"mobile": "919999999001"}, timeout=10
    )
    newest = answer.json()[0]
    return str(newest["otp"])
