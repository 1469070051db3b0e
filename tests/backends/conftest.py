from django_messagecentral.testing.plugin import messagecentral_outbox

__all__ = ["messagecentral_outbox"]
