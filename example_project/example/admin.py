"""Members in the admin. Their phone is theirs to change, past a code."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from example.models import Member


@admin.register(Member)
class MemberAdmin(UserAdmin):
    list_display = ("username", "first_name", "phone", "phone_verified_at", "is_staff")
    readonly_fields = ("phone", "phone_verified_at")
    fieldsets = (*UserAdmin.fieldsets, ("Phone", {"fields": ("phone", "phone_verified_at")}))
