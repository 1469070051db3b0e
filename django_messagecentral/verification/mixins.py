"""Mixins for class-based views and the admin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.admin.utils import unquote
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from django_messagecentral.verification.forms import VERIFICATION_FIELDS, PhoneVerificationFormMixin
from django_messagecentral.verification.gates import is_verified, step_up_url
from django_messagecentral.verification.transactions import NonAtomicRequests

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.views.generic import FormView
    from django.views.generic import View as _View

    _AdminBase = ModelAdmin[Any]
    _FormBase = FormView[Any]
else:
    _View = _AdminBase = _FormBase = object


class PhoneVerificationMixin(NonAtomicRequests, _FormBase):
    """For FormView, CreateView, UpdateView, and django-formtools' wizards, whose form (or one of whose steps)
    has :class:`~django_messagecentral.verification.forms.PhoneVerificationFormMixin`.

    Hands the request to the form, and keeps the request out of ``ATOMIC_REQUESTS``: the vendor is never
    called inside a transaction. In a wizard the proof is used up at the end, when all steps are valid.
    """

    _finishing = False

    def get_form_kwargs(self, *step: Any) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_form_kwargs(*step)
        if step and not issubclass(self._form_of(step[0]), PhoneVerificationFormMixin):
            return kwargs
        return kwargs | {"request": self.request}

    def get_form(self, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(*args, **kwargs)
        if hasattr(self, "steps") and not self._finishing and isinstance(form, PhoneVerificationFormMixin):
            form.consume_on_clean = False  # a wizard validates each step again at its end
        return form

    def render_done(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """A wizard's end: every step is validated once more."""
        self._finishing = True
        response: HttpResponse = super().render_done(*args, **kwargs)  # type: ignore[misc]
        return response

    def _form_of(self, step: str | None) -> type[Any]:
        wizard: Any = self
        form: type[Any] = wizard.get_form_list()[step if step is not None else wizard.steps.current]
        return form


class PhoneVerificationRequiredMixin(_View):
    """The gate for class-based views; see
    :func:`~django_messagecentral.verification.decorators.phone_verification_required`."""

    verification_purpose: ClassVar[str]
    verification_max_age: ClassVar[float]

    def get_verification_phone(self) -> str:
        """The one number (E.164) that counts; empty for any that the visitor holds."""
        return ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.request = request
        purpose, phone = self.verification_purpose, self.get_verification_phone()
        if is_verified(request, purpose=purpose, max_age=self.verification_max_age, phone=phone):
            return super().dispatch(request, *args, **kwargs)
        return HttpResponseRedirect(step_up_url(request, purpose=purpose, phone=phone))


class PhoneVerificationAdminMixin(_AdminBase):
    """For a ModelAdmin whose ``form`` has ``PhoneVerificationFormMixin``.

    The admin validates inside a transaction, so the step (send or check) is taken before it. The fields of
    the verification stand after the phone, wherever ``fields`` or ``fieldsets`` put it.
    """

    def get_urls(self) -> Any:
        """The two pages that may send stay out of ``ATOMIC_REQUESTS``: the admin has a transaction itself."""
        urls = super().get_urls()
        for url in urls:
            if str(getattr(url, "name", "")).endswith(("_add", "_change")):
                transaction.non_atomic_requests(url.callback)
        return urls

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets: Any = super().get_fieldsets(request, obj)
        if not issubclass(self.form, PhoneVerificationFormMixin):
            return fieldsets
        phone = self.form.phone_field
        return [
            (name, {**options, "fields": _after(phone, options["fields"])}) for name, options in fieldsets
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"request": request, "__module__": form.__module__})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method == "POST":
            self._take_step(request, object_id)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _take_step(self, request: HttpRequest, object_id: str | None) -> None:
        """Send or check, for who may save; what came of it is remembered for the form that is shown."""
        obj = self.get_object(request, unquote(object_id)) if object_id else None
        if object_id:
            allowed = obj is not None and self.has_change_permission(request, obj)
        else:
            allowed = self.has_add_permission(request)
        if not allowed:
            return
        form = self.get_form(request, obj, change=obj is not None)(request.POST, request.FILES, instance=obj)
        if isinstance(form, PhoneVerificationFormMixin):
            form.consume_on_clean = False
            form.is_valid()


def _after(phone: str, lines: Sequence[Any]) -> list[Any]:
    """The lines of a fieldset (a field's name, or several) with those of the verification after the phone."""
    placed: list[Any] = []
    for line in lines:
        if line in VERIFICATION_FIELDS:
            continue
        placed.append(line)
        if phone == line or (isinstance(line, (list, tuple)) and phone in line):
            placed.extend(VERIFICATION_FIELDS)
    return placed
