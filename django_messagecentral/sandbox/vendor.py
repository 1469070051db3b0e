"""The vendor's API: token, send in all its modes, validateOtp, saveSingleSms. Requests in, answers out."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable

from . import failures
from .answers import CODES, REASONS, Answer, json_answer
from .config import pick
from .model import Call, Verification
from .params import BadBodyError, Request, read_json, read_params
from .sends import RefusedError, Wanted, read_send, read_single
from .state import State

SEND = "/verification/v3/send"
VALIDATE = "/verification/v3/validateOtp"


class VendorApi:
    """Answers the vendor's paths over a State."""

    def __init__(self, state: State) -> None:
        self.state = state
        send = ({"POST"}, self.send)
        validate = ({"GET", "POST"}, self.validate)
        self.routes: dict[str, tuple[set[str], Callable[[Request], Answer]]] = {
            "/auth/v1/authentication/token": ({"GET"}, self.token),
            SEND: send,
            VALIDATE: validate,
            "/verification/v2/verification/send": send,
            "/verification/v2/verification/validateOtp": validate,
            "/partners/central/api/saveSingleSms": ({"POST"}, self.save_single),
        }

    def handle(self, request: Request) -> Answer | None:
        """The answer, or None for a path that is not the vendor's."""
        route = self.routes.get(request.path) or self.routes.get(request.path.rstrip("/"))
        if route is None:
            return None
        methods, view = route
        if request.method not in methods:
            return json_answer({"status": 405, "error": "Method Not Allowed"}, 405)
        answer = view(request)
        latency = self.state.config.latency
        if not latency.nothing and answer.delay == 0:
            answer.delay = latency.sample(self.state.dice.draw("latency", self.state.turn("latency")).unit(0))
        return answer

    def _breakdown(self, what: str, shares: dict[str, float]) -> str:
        """The breakdown that the next call of this kind has, or ""."""
        return pick(self.state.dice.draw(what, self.state.turn(what)).unit(0), shares, "") if shares else ""

    # Tokens

    def token(self, request: Request) -> Answer:
        """``{"status": 200, "token": ...}``; a refusal is HTTP 200 with status 400 (a production client)."""
        try:
            params = request.query_params()
        except BadBodyError:
            params = {}
        customer = params.get("customerId", "")
        config = self.state.config
        breakdown = self._breakdown("token", config.token_errors)
        if breakdown:
            return failures.answer(breakdown, config)
        password = config.accounts.get(customer)
        if password is None and config.any_account and customer:
            fault = "" if params.get("key") else "key is invalid"
        elif password is None:
            fault = "customerId is invalid"
        else:
            fault = "" if _same_key(params.get("key", ""), password) else "key is invalid"
        if fault:
            self.state.count("tokens_refused")
            return json_answer({"status": 400, "error": fault}, 200 if config.profile == "observed" else 400)
        self.state.count("tokens_issued")
        token = self.state.tokens.issue(customer, self.state.clock.now(), config.token_lifetime)
        return json_answer({"status": 200, "token": token})

    def _unauthorized(self, request: Request) -> Answer | None:
        token = request.header("authtoken")
        state = self.state
        if state.tokens.good(token, state.clock.now(), any_account=state.config.any_account):
            return None
        state.count("unauthorized")
        status = state.config.unauthorized_status
        return json_answer({"status": status, "error": REASONS[status], "path": request.path}, status)

    # Answers

    def _say(self, call: Call, code: int, data: dict[str, object] | None = None) -> Answer:
        observed = self.state.config.profile == "observed" and code != 200
        status = (500 if code == 500 else 400) if observed else 200
        call.code, call.http_status = code, status
        self.state.keep("call", call)
        body = {"responseCode": code, "message": CODES.get(code, "UNKNOWN"), "data": data}
        return json_answer(body, status, code=code)

    def _data(
        self, code: int, wanted: Wanted, *, verification: str | None = None, transaction: str | None = None
    ) -> dict[str, object]:
        otp = wanted.kind == "otp"
        timeout = self.state.config.otp_timeout
        spelled = f"{timeout:g}" if otp and self.state.config.profile == "documented" else str(float(timeout))
        return {
            "verificationId": verification,
            "mobileNumber": wanted.national or None,
            "responseCode": str(code),
            "errorMessage": None if code == 200 else CODES[code],
            "timeout": spelled if code == 200 else None,
            "smCLI" if otp else "smsCLI": None,
            "transactionId": transaction,
        }

    # Send

    def send(self, request: Request) -> Answer:
        """VerifyNow (type OTP or none) and MessageNow (type SMS): one number, phoneNumbers or a file."""
        state = self.state
        state.count("send_calls")
        refused = self._unauthorized(request)
        if refused is not None:
            return refused
        call = state.open_call("send", request)
        try:
            params, files = read_params(request)
            wanted = read_send(params, files, state.config)
        except (RefusedError, BadBodyError) as exc:
            code = exc.code if isinstance(exc, RefusedError) else 400
            state.count(f"send_code_{code}")
            return self._say(call, code)
        return self._send(call, wanted)

    def save_single(self, request: Request) -> Answer:
        """saveSingleSms of the CRM guide: JSON body, credentials in the headers."""
        state = self.state
        state.count("send_calls")
        call = state.open_call("crm", request)
        customer, password = (
            request.header("customerid"),
            state.config.accounts.get(request.header("customerid")),
        )
        known = hmac.compare_digest(request.header("password").encode(), (password or "").encode())
        try:
            if not (password is not None and known) and not (state.config.any_account and customer):
                raise RefusedError(501)
            wanted = read_single(read_json(request))
        except (RefusedError, BadBodyError) as exc:
            code = exc.code if isinstance(exc, RefusedError) else 400
            state.count(f"send_code_{code}")
            return self._say(call, code)
        return self._send(call, wanted)

    def _send(self, call: Call, wanted: Wanted) -> Answer:
        state = self.state
        call.kind, call.recipients = wanted.kind, len(wanted.recipients)
        mobile = wanted.recipients[0].mobile
        draw = state.dice.draw("send", mobile, state.ask(mobile))
        failure = failures.chosen(state.config, wanted, draw)
        if failure and not failures.after_sending(failure):
            return self._failed(call, wanted, failure)
        living = state.living_code(mobile) if wanted.kind == "otp" else None
        if living is not None:
            state.count("send_code_506")
            shown = living.id if state.config.profile == "observed" else None
            return self._say(call, 506, self._data(506, wanted, verification=shown))
        transaction, verification = draw.uuid(), state.next_verification_id()
        latency = state.config.latency.sample(draw.unit(1))
        wanted.deliver(state, call, transaction, verification, latency)
        if failure:
            return self._failed(call, wanted, failure)
        state.count("send_accepted")
        state.count("send_code_200")
        answer = self._say(
            call, 200, self._data(200, wanted, verification=verification, transaction=transaction)
        )
        answer.delay = max(latency, failures.early_delay(wanted))
        state.changed()
        return answer

    def _failed(self, call: Call, wanted: Wanted, failure: str) -> Answer:
        self.state.count(f"send_failure_{failure}")
        call.failure = failure
        if failure.isdigit():
            code = int(failure)
            self.state.count(f"send_code_{code}")
            answer = self._say(call, code, self._data(code, wanted))
        else:
            answer = failures.answer(failure, self.state.config)
            call.http_status = answer.status
            self.state.keep("call", call)
        self.state.changed()
        return answer

    # Validate

    def validate(self, request: Request) -> Answer:
        """validateOtp, GET as documented, POST as older clients do; what else they send is ignored."""
        state = self.state
        state.count("validate_calls")
        refused = self._unauthorized(request)
        if refused is not None:
            return refused
        call = state.open_call("validate", request)
        try:
            params, _ = read_params(request)
        except BadBodyError:
            params = {}
        verification_id, code = params.get("verificationId", "").strip(), params.get("code", "").strip()
        if not (verification_id.isascii() and verification_id.isdigit()) or not code:
            return self._validated(call, 400, None)
        verification = state.verifications.get(verification_id)
        forced = failures.on_validate(verification.mobile) if verification is not None else ""
        failure = forced or self._breakdown("validate", state.config.validate_errors)
        if failure.isdigit():
            return self._validated(call, int(failure), verification)
        if failure and not failures.after_sending(failure):
            return self._broken(call, failure)
        answer = self._validated(call, self._judge(verification, code), verification)
        return self._broken(call, failure) if failure else answer

    def _broken(self, call: Call, failure: str) -> Answer:
        self.state.count(f"validate_failure_{failure}")
        answer = failures.answer(failure, self.state.config)
        call.failure, call.http_status, call.code = failure, answer.status, None
        self.state.keep("call", call)
        return answer

    def _judge(self, verification: Verification | None, code: str) -> int:
        if verification is None:
            return 505
        if verification.verified:
            return 703
        if verification.expires_at <= self.state.clock.now():
            return 705
        if verification.code is None:
            return 700
        if verification.wrong >= self.state.config.max_wrong_codes:
            return 800
        if not hmac.compare_digest(code.encode(), verification.code.encode()):
            verification.wrong += 1
            self.state.keep("verification", verification)
            return 702
        verification.verified = True
        self.state.keep("verification", verification)
        return 200

    def _validated(self, call: Call, code: int, verification: Verification | None) -> Answer:
        state = self.state
        state.count(f"validate_code_{code}")
        data: dict[str, object] | None = None
        if verification is not None:
            data = {
                "verificationId": verification.id,
                "mobileNumber": verification.national,
                "responseCode": str(code),
                "errorMessage": None if code == 200 else CODES[code],
                "verificationStatus": "VERIFICATION_COMPLETED" if code == 200 else None,
                "authToken": None,
                "transactionId": verification.transaction_id
                if state.config.profile == "documented"
                else None,
            }
        state.changed()
        return self._say(call, code, data)


def _same_key(key: str, password: str) -> bool:
    """True if ``key`` is the base64 of the password."""
    try:
        given = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, password.encode())
