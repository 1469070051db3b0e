"""The sandbox's OpenAPI document: the vendor's paths as the document gives them, and the control API."""

from __future__ import annotations

from typing import Any

from .answers import CODES
from .config import STATUSES, Config
from .sends import FLOW_TYPES, MESSAGE_TYPES

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
DIGITS: Schema = {"type": "string", "pattern": "^[0-9]{1,15}$"}
WHOLE: Schema = {"type": "integer", "minimum": 0, "maximum": 10**15}
NULL_TEXT: Schema = {"type": ["string", "null"]}
SECONDS: Schema = {"type": "number", "minimum": 0, "maximum": 60}


def document(version: str) -> Schema:
    """OpenAPI 3.1 of everything this sandbox answers in JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Message Central sandbox",
            "version": version,
            "description": "The vendor's API simulated, and the control API under /_sandbox/.",
        },
        "paths": _vendor_paths() | _control_paths(),
        "components": {
            "securitySchemes": {"authToken": {"type": "apiKey", "in": "header", "name": "authToken"}},
            "schemas": {"Message": _message(), "VendorAnswer": _vendor_answer()},
        },
    }


def _query(name: str, schema: Schema, *, required: bool = False, says: str = "") -> Schema:
    return {"name": name, "in": "query", "required": required, "schema": schema, "description": says}


def _answer(says: str, schema: Schema | None = None) -> Schema:
    return {"description": says, "content": {"application/json": {"schema": schema or {}}}}


def _body(properties: Schema, required: tuple[str, ...] = (), kind: str = "application/json") -> Schema:
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    return {"required": bool(required), "content": {kind: {"schema": schema}}}


def _operation(
    name: str, says: str, *parameters: Schema, body: Schema | None = None, **answers: Schema
) -> Schema:
    found: Schema = {
        "operationId": name,
        "summary": says,
        "parameters": list(parameters),
        "responses": {key.lstrip("_"): value for key, value in answers.items()},
    }
    if body is not None:
        found["requestBody"] = body
    return found


def _vendor_answer() -> Schema:
    return {
        "type": "object",
        "required": ["responseCode", "message", "data"],
        "properties": {
            "responseCode": {"type": "integer", "enum": sorted(CODES)},
            "message": {"type": "string", "enum": sorted(CODES.values())},
            "data": {"type": ["object", "null"]},
        },
    }


def _message() -> Schema:
    names = ("mobile", "text", "sender", "channel", "received_at", "kind", "message_type", "verification_id")
    properties: Schema = dict.fromkeys((*names, "transaction_id"), TEXT)
    properties |= {"id": WHOLE, "call": WHOLE, "segments": WHOLE, "otp": NULL_TEXT}
    properties |= {"status": {"enum": ["sent", *STATUSES]}, "callbacks": {"type": "array", "items": WHOLE}}
    return {"type": "object", "required": list(properties), "properties": properties}


SEND_FIELDS: Schema = {
    "type": {"type": "string", "enum": ["OTP", "SMS"]},
    "countryCode": {"type": "string", "examples": ["91"]},
    "mobileNumber": {"type": "string", "examples": ["9876543210"]},
    "flowType": {"type": "string", "enum": sorted(FLOW_TYPES)},
    "otpLength": {"type": "integer", "minimum": 4, "maximum": 8},
    "senderId": TEXT,
    "message": TEXT,
    "messageType": {"type": "string", "enum": sorted(MESSAGE_TYPES)},
    "phoneNumbers": {"type": "string", "examples": ["91 9816111111, 91 7715131105"]},
    "templateId": TEXT,
    "entityId": TEXT,
    "customerId": TEXT,
}


def _vendor_paths() -> Schema:
    vendor: Schema = {"$ref": "#/components/schemas/VendorAnswer"}
    answers = {
        "_200": _answer("Accepted, or in the documented profile also refused", vendor),
        "_400": _answer("Refused", vendor),
        "_401": _answer("The token is missing, unknown or expired"),
    }
    send_query = [_query(name, schema) for name, schema in SEND_FIELDS.items()]
    form = _body(SEND_FIELDS | {"file": {"type": "string", "format": "binary"}}, kind="multipart/form-data")
    form["content"]["application/x-www-form-urlencoded"] = {
        "schema": {"type": "object", "properties": SEND_FIELDS}
    }
    validate = [_query("verificationId", DIGITS, required=True), _query("code", TEXT, required=True)]
    secured: Schema = {"security": [{"authToken": []}]}

    def validation(method: str, version: str) -> Schema:
        return _operation(f"validateOtp_{method}_{version}", "Validate OTP", *validate, **answers) | secured

    def send(version: str) -> Schema:
        return (
            _operation(f"send_{version}", "Send an OTP or a message", *send_query, body=form, **answers)
            | secured
        )

    def validations(version: str) -> Schema:
        return {method: validation(method, version) for method in ("get", "post")}

    single = dict.fromkeys(("flowType", "type", "mobileNumber", "messageText", "senderId", "mid"), TEXT)
    return {
        "/auth/v1/authentication/token": {
            "get": _operation(
                "token",
                "Generate token",
                _query("customerId", TEXT, required=True),
                _query("key", TEXT, required=True, says="base64 of the password"),
                _query("scope", TEXT),
                _query("country", TEXT),
                _query("email", TEXT),
                _200=_answer("A token, or a refusal with status 400 inside", {"type": "object"}),
            )
        },
        "/verification/v3/send": {"post": send("v3")},
        "/verification/v2/verification/send": {"post": send("v2")},
        "/verification/v3/validateOtp": validations("v3"),
        "/verification/v2/verification/validateOtp": validations("v2"),
        "/partners/central/api/saveSingleSms": {
            "post": _operation(
                "saveSingleSms",
                "One text from a CRM",
                {"name": "customerId", "in": "header", "required": False, "schema": TEXT},
                {"name": "password", "in": "header", "required": False, "schema": TEXT},
                body=_body(single, tuple(single)),
                _200=_answer("Accepted", vendor),
                _400=_answer("Refused", vendor),
            )
        },
    }


def _control_paths() -> Schema:
    messages: Schema = {"type": "array", "items": {"$ref": "#/components/schemas/Message"}}
    good, bad = (
        {"_200": _answer("Done", {"type": "object"})},
        {"_400": _answer("Not understood", {"type": "object"})},
    )
    mobile = _query("mobile", DIGITS, says="country code and number, digits")
    config: Schema = {name: {} for name in Config.__dataclass_fields__}
    limit = _query("limit", WHOLE)

    def get(name: str, says: str, *parameters: Schema, **answers: Schema) -> Schema:
        return {"get": _operation(name, says, *parameters, **(answers or good), **bad)}

    def post(name: str, says: str, body: Schema, *required: str) -> Schema:
        return {"post": _operation(name, says, body=_body(body, required), **good, **bad)}

    found: Schema = {
        "messages": get(
            "messages",
            "Texts received, newest first",
            mobile,
            limit,
            _query("before", WHOLE),
            _200=_answer("Texts", messages),
        ),
        "callbacks": get(
            "callbacks",
            "Delivery reports and what they got back",
            mobile,
            _query("message", WHOLE),
            limit,
            _200=_answer("Reports", {"type": "array"}),
        ),
        "stats": get("stats", "Exact counts"),
        "config": get("config", "Settings in force") | post("configure", "Change settings", config),
        "clock": get("clock", "The sandbox's time")
        | post("moveClock", "Move it", {"move": {"type": "number"}}, "move"),
        "magic": get("magic", "Magic numbers", _200=_answer("The table", {"type": "array"})),
        "reset": post("reset", "Forget everything received", {"seed": {"type": ["integer", "null"]}}),
        "clear": post("clear", "Empty one inbox", {"mobile": DIGITS}, "mobile"),
        "tokens": post("makeToken", "A ready token", {"customerId": TEXT, "lifetime": {"type": "number"}}),
        "tokens/expire": post("expireTokens", "Expire all tokens or one", {"token": NULL_TEXT}),
        "report": post(
            "report",
            "Report a delivery by hand",
            {"message": WHOLE, "status": {"enum": [*STATUSES, "repeat"]}},
            "message",
            "status",
        ),
        "wait": get(
            "waitForMessage",
            "Wait for a text",
            mobile | {"required": True},
            _query("after", WHOLE),
            _query("timeout", SECONDS),
            _200=_answer("The newest text", messages["items"]),
            _204={"description": "None came"},
        ),
        "changes": get(
            "waitForChange", "Wait for any change", _query("since", WHOLE), _query("timeout", SECONDS)
        ),
    }
    return {f"/_sandbox/{path}": operations for path, operations in found.items()}
