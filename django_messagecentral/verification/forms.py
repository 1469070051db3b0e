"""Forms of the ready pages, and the mixin that turns any form into one that verifies a phone."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.forms.renderers import BaseRenderer
from django.forms.utils import ErrorList
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_messagecentral.conf import app_settings
from django_messagecentral.phones import InvalidPhone, mask_phone, parse_phone
from django_messagecentral.verification import service
from django_messagecentral.verification.fields import (
    CodeField,
    CodeInput,
    phone_form_field,
    settle_home_region,
)
from django_messagecentral.verification.models import Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.states import VerificationStatus
from django_messagecentral.verification.users import VerifiedPhoneMixin

SCRIPT = "django_messagecentral/verification/verification.js"
VERIFICATION_FIELDS = ("verification_code", "verification_id", "verification_proof")
_NOTICES = (Reason.SENT, Reason.ALREADY_SENT)


class StartForm(forms.Form):
    """Which phone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["phone"] = phone_form_field()


class CodeForm(forms.Form):
    """The code, once it is there."""

    code = CodeField(widget=CodeInput(attrs={"autofocus": True}))

    class Media:
        js = (SCRIPT,)


class StepErrorList(ErrorList):
    """That a code was sent keeps the form from being valid, but it is news and no error: it looks and is
    announced as such. Anything else is shown as Django shows it."""

    @property
    def is_notice(self) -> bool:
        """Whether nothing in it is anybody's mistake."""
        codes = [getattr(error, "code", None) for error in self.as_data()]
        return bool(codes) and all(code in _NOTICES for code in codes)

    def render(
        self,
        template_name: str | None = None,
        context: dict[str, Any] | None = None,
        renderer: BaseRenderer | type[BaseRenderer] | None = None,
    ) -> SafeString:
        if not self.is_notice:
            return super().render(template_name, context, renderer)
        field_id = getattr(self, "field_id", None)  # new in Django 5.2
        return format_html(
            '<ul class="mc-notice"{} role="status">{}</ul>',
            format_html(' id="{}_error"', field_id) if field_id else "",
            format_html_join("", "<li>{}</li>", ((error,) for error in self)),
        )

    __str__ = __html__ = render


class PhoneVerificationFormMixin(forms.Form):
    """Turns a form or a model form into one that is valid only with a verified phone.

    ::

        class SignupForm(PhoneVerificationFormMixin, forms.ModelForm):
            phone_field = "phone"
            verification_purpose = "signup"
            class Meta: ...

        form = SignupForm(request.POST, request=request)

    The first valid submit sends a code and asks for it; the next checks it. The form is valid when the phone
    in it is the phone that was verified, by who sends it, for this purpose; the proof is then used up. An
    error elsewhere in the form never costs a second code: the proof waits in a hidden field.

    A button for another code, which counts down, is
    ``{% include "django_messagecentral/verification/resend.html" with verification=form.verification %}``.

    ``consume_on_clean = False`` leaves the proof whole until :meth:`consume_verification`: for a site that
    uses it up together with its own work.

    The model form of a model with :class:`~django_messagecentral.verification.users.VerifiedPhoneMixin`
    saves that the phone is verified, and refuses one that somebody else has verified. A phone that this very
    user has verified before, and that is not changed, needs no code, unless ``verify_unchanged`` is set.
    """

    phone_field = "phone"
    verification_purpose = "default"
    verification_channel: str | None = None
    consume_on_clean = True
    verify_unchanged = False
    request: HttpRequest | None = None

    verification_code = CodeField(label=_("Code from the message"), required=False)
    verification_id = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    verification_proof = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)

    def __init__(self, *args: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("error_class", StepErrorList)
        super().__init__(*args, **kwargs)
        self.request = request or self.request
        self._proof = ""
        self.verified_phone = ""
        if self.phone_field in self.fields:
            settle_home_region(self.fields[self.phone_field])
        self._show_code_field(self.wants_code)

    @property
    def media(self) -> forms.Media:
        return super().media + forms.Media(js=[SCRIPT])

    @property
    def wants_code(self) -> bool:
        """Whether a code is on its way and waited for: show its field."""
        return bool(
            self.is_bound and self._typed("verification_id") and not self._typed("verification_proof")
        )

    @property
    def verification(self) -> Verification | None:
        """The one whose code is waited for, to show when another may be asked for; None before and after."""
        if not self.wants_code or self.request is None:
            return None
        return service.get_verification(self._typed("verification_id"), request=self.request)

    def full_clean(self) -> None:
        super().full_clean()
        if self.is_bound:
            self._clean_phone()
            errors = self.errors.get("verification_code")
            self._show_code_field(self.wants_code or bool(errors), errors)

    def _show_code_field(self, wanted: bool, errors: ErrorList | None = None) -> None:
        """The code is asked for when one is on its way; before and after, its field is hidden."""
        if not wanted:
            self.fields["verification_code"].widget = forms.HiddenInput()
            return
        widget = self.fields["verification_code"].widget = CodeInput(attrs={"autofocus": True})
        widget.untouched = isinstance(errors, StepErrorList) and errors.is_notice

    def _clean_phone(self) -> None:
        if self.request is None:
            raise TypeError(f"{type(self).__name__} needs request=... to know whose phone it verifies")
        phone = self.cleaned_data.get(self.phone_field)
        if not phone or "verification_code" in self.errors:
            return
        try:
            parsed = parse_phone(getattr(phone, "as_e164", phone), region=app_settings.DEFAULT_REGION)
        except InvalidPhone as error:
            self.add_error(self.phone_field, forms.ValidationError(gettext(error.reason), code=error.code))
            return
        instance = getattr(self, "instance", None)
        owner = instance if isinstance(instance, VerifiedPhoneMixin) else None
        if owner is not None and owner.verified_phone == parsed.e164 and not self.verify_unchanged:
            self.verified_phone = parsed.e164
            return
        self._verify(parsed.e164)
        if not self._proof:
            return
        if owner is not None and owner.phone_is_taken(parsed.e164):
            self._complain(Reason.PHONE_TAKEN)
        elif self.consume_on_clean and not self.errors and not self.consume_verification():
            return
        elif owner is not None and not self.errors:
            owner.note_verified_phone(parsed.e164)

    def consume_verification(self) -> bool:
        """Use up the proof, if there had to be one. False, with an error on the phone's field, if it was used
        meanwhile."""
        if self.verified_phone and not self._proof:
            return True  # the user's own, as it was
        result = service.consume_proof(self._proof, **self._whose())
        if not result.ok:
            self._complain(result.reason)
        return result.ok

    def _complain(self, reason: Reason) -> None:
        self.add_error(self.phone_field, forms.ValidationError(reason.label, code=reason))

    # -- the steps ------------------------------------------------------------------------------

    def _verify(self, phone: str) -> None:
        """One step on: look at the proof, else check the code, else send one."""
        steps = self._remembered()
        if "outcome" not in steps:
            steps["outcome"] = self._step(phone)
        proof, public_id, error = steps["outcome"]
        self._remember("verification_proof", proof)
        self._remember("verification_id", public_id)
        if not public_id:  # it is over: the code that was typed is of no use any more
            self._remember("verification_code", "")
        if error is not None:
            self.add_error(*error)
        elif proof:
            self._proof, self.verified_phone = proof, phone
        elif not self.errors:
            raise AssertionError("a form without a proof must have an error")

    def _step(self, phone: str) -> tuple[str, str, tuple[str, forms.ValidationError] | None]:
        """``(proof, verification id, (field, error) or None)``."""
        proof, public_id = self._typed("verification_proof"), self._typed("verification_id")
        if proof and service.read_proof(proof, phone=phone, **self._whose()).ok:
            return proof, public_id, None
        who: dict[str, Any] = {"request": self.request}
        living = service.get_verification(public_id, **who) if public_id else None
        if living is None or living.phone != phone or living.purpose != self.verification_purpose:
            return self._start(phone)
        if living.status == VerificationStatus.VERIFIED:  # its proof is too old, or was used up
            return self._start(phone)
        if self._typed("verification_resend"):
            resent = service.resend_verification(living, **who)
            return "", public_id, self._ask(resent.message, resent.reason)
        code = self.cleaned_data.get("verification_code")
        if not code:
            if living.status != VerificationStatus.PENDING:
                return self._start(phone)
            return "", public_id, self._ask_for_code(phone)
        checked = service.check_verification(living, code, **who)
        if checked.ok:
            return checked.proof, public_id, None
        over = checked.reason in (Reason.TOO_MANY_ATTEMPTS, Reason.CHECK_FAILED, Reason.ALREADY_VERIFIED)
        return "", "" if over else public_id, self._ask(checked.message, checked.reason)

    def _start(self, phone: str) -> tuple[str, str, tuple[str, forms.ValidationError] | None]:
        if self.errors:
            return "", "", None  # nothing is sent for a form that would not be valid with it either
        if self.request is not None and self.request.method in ("GET", "HEAD"):
            # A wizard shows a step again: looking at a page sends nothing.
            asked = forms.ValidationError(Reason.PROOF_INVALID.label, code=Reason.PROOF_INVALID)
            return "", "", (self.phone_field, asked)
        started = service.start_verification(
            phone,
            purpose=self.verification_purpose,
            channel=self.verification_channel,
            request=self.request,
        )
        if not started.ok or started.verification is None:
            error = forms.ValidationError(started.message, code=started.reason)
            return "", "", (self.phone_field, error)
        return "", str(started.verification.public_id), self._ask_for_code(phone)

    def _ask_for_code(self, phone: str) -> tuple[str, forms.ValidationError]:
        text = _("We sent a code to %(phone)s. Enter it here.")
        error = forms.ValidationError(text, code=Reason.SENT, params={"phone": mask_phone(phone)})
        return "verification_code", error

    def _ask(self, message: str, reason: Reason) -> tuple[str, forms.ValidationError]:
        return "verification_code", forms.ValidationError(message, code=reason)

    # -- what is carried from one submit to the next --------------------------------------------

    def _whose(self) -> dict[str, Any]:
        return {"purpose": self.verification_purpose, "request": self.request}

    def _typed(self, name: str) -> str:
        return str(self.data.get(self.add_prefix(name)) or "")

    def _remember(self, name: str, value: str) -> None:
        data = cast(Any, self.data).copy()
        data[self.add_prefix(name)] = value
        self.data = data

    def _remembered(self) -> dict[str, Any]:
        """A form that is built twice for one request (the admin does) takes its step once."""
        kept = self.request.__dict__.setdefault("_messagecentral_forms", {}) if self.request else {}
        key = f"{type(self).__module__}.{type(self).__qualname__}:{self.prefix or ''}"
        found: dict[str, Any] = kept.setdefault(key, {})
        return found
