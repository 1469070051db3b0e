"""Mixins for class-based views and the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.admin.utils import unquote
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.decorators import method_decorator

from django_messagecentral.verification.forms import PhoneVerificationFormMixin
from django_messagecentral.verification.gates import is_verified, step_up_url

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.views.generic import FormView
    from django.views.generic import View as _View

    _AdminBase = ModelAdmin[Any]
    _FormBase = FormView[Any]
else:
    _View = _AdminBase = _FormBase = object


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class PhoneVerificationMixin(_FormBase):
    """For FormView, CreateView and UpdateView whose form has
    :class:`~django_messagecentral.verification.forms.PhoneVerificationFormMixin`.

    Hands the request to the form, and keeps the request out of ``ATOMIC_REQUESTS``: the vendor is never
    called inside a transaction.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request}


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

    The admin validates inside a transaction, so the step (send or check) is taken before it.
    """

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
        if request.method == "POST" and self._may_post(request, object_id):
            obj = self.get_object(request, unquote(object_id)) if object_id else None
            form = self.get_form(request, obj, change=obj is not None)(
                request.POST, request.FILES, instance=obj
            )
            if isinstance(form, PhoneVerificationFormMixin):
                form.consume_on_clean = False
                form.is_valid()
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _may_post(self, request: HttpRequest, object_id: str | None) -> bool:
        obj = self.get_object(request, unquote(object_id)) if object_id else None
        return self.has_change_permission(request, obj) if object_id else self.has_add_permission(request)
