"""What the phones show: VerifyNow's own template and senders, and how many segments a text takes."""

from __future__ import annotations

SENDER_INDIA = "UTOMOB"
SENDER_ELSEWHERE = "U2 INFO"
WHATSAPP_BRAND = "Message Central by U2opia Mobile"

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENDED = frozenset("\f^{}\\[~]|€")


def otp_sender(country: str, channel: str) -> str:
    """Who an OTP comes from, whatever senderId was asked (vendor document, Using VerifyNow)."""
    if channel == "WHATSAPP":
        return WHATSAPP_BRAND
    return SENDER_INDIA if country == "91" else SENDER_ELSEWHERE


def otp_text(code: str) -> str:
    """VerifyNow's template. The document shows no wording: the sandbox has its own."""
    return f"Your OTP is {code}. Do not share it with anyone. - Message Central by U2opia Mobile"


def encoding(text: str) -> tuple[str, int]:
    """("GSM-7" or "UCS-2", its length in that alphabet's units), GSM 03.38."""
    septets = 0
    for char in text:
        if char in _GSM7:
            septets += 1
        elif char in _GSM7_EXTENDED:
            septets += 2
        else:
            return "UCS-2", len(text.encode("utf-16-be", "surrogatepass")) // 2
    return "GSM-7", septets


def segments(text: str, channel: str = "SMS") -> int:
    """How many SMS a text takes: 160 / 153 septets or 70 / 67 UTF-16 units. Other channels take one."""
    if channel != "SMS":
        return 1
    alphabet, units = encoding(text)
    single, part = (160, 153) if alphabet == "GSM-7" else (70, 67)
    return 1 if units <= single else -(-units // part)
