"""What Azure's answers mean: the one place where HTTP and SDK errors become `shared.errors`.

The error *code* decides before the HTTP status, and the SDK's class is never asked: a 409 for "another operation is
in progress" reaches us as ResourceExistsError.

    any status, a code of capacity or quota        NoCapacity
    429                                            Throttled, with how long to wait
    409 and 412                                    Busy: somebody else is at work; read again
    409 because of a lock or a disabled plan       Refused
    401, 403, no credential                        Forbidden
    404                                            NotFound
    no answer, 408, 5xx, an unreadable answer      NoReply: the effect is unknown
    any other                                      Refused

Codes from: https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/error-codes/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from email.utils import parsedate_to_datetime
from json import JSONDecodeError, loads
from typing import Any

from shared.errors import Busy, CloudError, Forbidden, NoCapacity, NoReply, NotFound, Refused, Throttled

CAPACITY = frozenset(
    {
        "akscapacityerror",
        "akscapacityheavyusage",
        "allocationfailed",
        "zonalallocationfailed",
        "overconstrainedallocationrequest",
        "overconstrainedzonalallocationrequest",
        "skunotavailable",
        "quotaexceeded",
        "insufficientvcpuquota",
        "errcode_insufficientvcpuquota",
        "subscriptionquotareached",
        "publicipcountlimitreached",
        "spotquotaexceeded",
        "lowprioritycoresquotaexceeded",
    }
)
# Conflicts that waiting does not end.
FIRM = frozenset({"scopelocked", "readonlydisabledsubscription", "missingsubscriptionregistration"})
DEFAULT_WAIT = timedelta(seconds=60)

_AGAIN = re.compile(r"again (?:in|after) '?(\d+)'? ?(?:s\b|sec)", re.IGNORECASE)
# https://learn.microsoft.com/azure/cost-management-billing/costs/manage-automation#response-headers
_COSTS = re.compile(r"x-ms-ratelimit-microsoft\.(?:costmanagement|consumption)(?:-\w+)?-retry-after", re.IGNORECASE)
_QUOTA = re.compile(r"\bquota\b", re.IGNORECASE)


def is_capacity(code: str, message: str = "") -> bool:
    """Whether Azure had no room or no quota: patience and another size help, repeating at once does not."""
    folded = code.casefold()
    return folded in CAPACITY or (folded == "operationnotallowed" and _QUOTA.search(message) is not None)


def refusal(doing: str, status: int, body: bytes, headers: Mapping[str, str]) -> CloudError:
    """The error for an answer of status >= 400 (or an unexpected one below); `doing` begins the sentence."""
    code, text = error_in(body)
    named = code or str(status)
    said = f": {_shortened(text)}" if text else ""
    message = f"{doing}: Azure answered {status} {code}{said}" if code else f"{doing}: Azure answered {status}{said}"
    folded = code.casefold()
    kind: type[CloudError] = Refused
    if is_capacity(code, text):
        kind = NoCapacity
    elif status == 429:
        return Throttled(message, code=named, retry_after=wait_of(headers, text))
    elif status in (409, 412) and folded not in FIRM:
        kind = Busy
    elif status in (401, 403):
        kind = Forbidden
    elif status == 404:
        kind = NotFound
    elif status == 408 or status >= 500:
        kind = NoReply
    return kind(message, code=named, status=status)


def error_in(body: bytes) -> tuple[str, str]:
    """Code and message of an error body, '' where there is none. ARM nests them in `error`; AKS sometimes does not."""
    try:
        document = loads(body) if body else None
    except ValueError:
        return "", ""
    return error_of(document.get("error", document)) if isinstance(document, Mapping) else ("", "")


def error_of(error: Any) -> tuple[str, str]:
    """Code and message of ARM's `error` object; '' where it has none."""
    if not isinstance(error, Mapping):
        return "", ""
    code, message = str(error.get("code") or ""), str(error.get("message") or "")
    if code.casefold() == "validationerror" and error.get("subcode"):
        # AKS's word for what exactly it does not let pass, such as UpgradeBlockedOnDeprecatedAPIUsage.
        code = str(error["subcode"])
    for detail in error.get("details") or ():
        inner, said = error_of(detail)
        # AKS wraps what the scale set said: the inner code is the one that tells of capacity.
        if is_capacity(inner):
            return inner, said or message
        if said and said not in message:
            message = f"{message.rstrip('. :')}: {said}" if message else said
    return code, message


def wait_of(headers: Mapping[str, str], text: str = "") -> timedelta:
    """How long Azure asks to wait: a header, else what the text says, else a minute.

    Cost Management has a header per quota, and no Retry-After: the longest of them is the one that counts.
    """
    quotas = [int(value) for name, value in headers.items() if _COSTS.fullmatch(name) and value.strip().isdigit()]
    if any(quotas):
        return timedelta(seconds=max(quotas))
    for name, unit in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("Retry-After", 1.0)):
        value = headers.get(name)
        if value and value.strip().isdigit():
            return timedelta(seconds=int(value) * unit)
    dated = _until(headers.get("Retry-After"), headers.get("Date"))
    if dated is not None:
        return dated
    said = _AGAIN.search(text)
    return timedelta(seconds=int(said[1])) if said else DEFAULT_WAIT


def _until(when: str | None, now: str | None) -> timedelta | None:
    """Retry-After may be a date; it counts from the answer's own Date."""
    try:
        return max(timedelta(0), parsedate_to_datetime(str(when)) - parsedate_to_datetime(str(now)))
    except (ValueError, TypeError):
        return None


def _shortened(text: str) -> str:
    """One line of at most 300 characters: AKS begins with the rule and ends with the particulars."""
    words = " ".join(text.split()).rstrip(".")
    return words if len(words) <= 300 else f"{words[:115]} ... {words[-180:]}"


@contextmanager
def answering(doing: str) -> Iterator[None]:
    """Inside, every SDK error becomes a CloudError whose sentence begins with `doing`."""
    from azure.core import exceptions as sdk  # noqa: PLC0415 - azure-core is not paid for before the first call

    try:
        yield
    except sdk.HttpResponseError as error:
        raise _from_sdk(doing, error) from None
    except sdk.ServiceRequestError as error:
        # Only the kind of the error: its text holds the URL, and those of operations are signed.
        raise NoReply(f"{doing}: Azure could not be reached ({_kind(error)})") from None
    except sdk.ServiceResponseError as error:
        raise NoReply(f"{doing}: the connection broke before Azure answered ({_kind(error)})") from None
    except sdk.AzureError as error:
        raise NoReply(f"{doing}: {_shortened(str(error))}") from None
    except JSONDecodeError:
        raise NoReply(f"{doing}: Azure's answer could not be read") from None


def _kind(error: Any) -> str:
    return type(error.inner_exception or error).__name__


def _from_sdk(doing: str, error: Any) -> CloudError:
    from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415 - as above

    response = error.response
    if response is None:
        if isinstance(error, ClientAuthenticationError):
            return Forbidden(f"{doing}: no credential was accepted: {_shortened(error.message)}", code="NoCredential")
        return NoReply(f"{doing}: {_shortened(error.message)}")
    if response.status_code < 400:
        return NoReply(f"{doing}: Azure's answer could not be read", status=response.status_code)
    return refusal(doing, response.status_code, body_of(response), response.headers)


def body_of(response: Any) -> bytes:
    """The whole body, of azure-core's new and old kind of response."""
    if hasattr(response, "read"):
        return bytes(response.read())
    return bytes(response.body())
