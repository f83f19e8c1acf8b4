"""Everything Azure says no with: status, code and text, as documented or as seen in the field.

Sources: https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/error-codes/operationnotallowed-error,
https://aka.ms/aks-pending-operation, https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources,
https://learn.microsoft.com/azure/aks/quotas-skus-regions, https://learn.microsoft.com/azure/aks/use-etags.
Where no text is published, ours says what happened in plain words.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

PENDING = "See https://aka.ms/aks-pending-operation for more details"


class Refusal(Exception):
    """An error answer: HTTP status, ARM error code and message, extra headers and details."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        details: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.details = details

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = self.details
        return {"error": error}


def not_allowed(message: str) -> Refusal:
    return Refusal(409, "OperationNotAllowed", message)


def busy_cluster(state: str) -> Refusal:
    return not_allowed(
        f"Operation is not allowed: Another operation ({state}) is in progress, "
        f"please wait for it to finish before starting a new operation. {PENDING}"
    )


def busy_pool(name: str, state: str) -> Refusal:
    return not_allowed(
        f"Operation is not allowed: Another agentpool operation ({name} - {state}) is in progress, "
        f"please wait for it to finish before starting a new operation. {PENDING}"
    )


def _since(at: datetime | None, now: datetime) -> tuple[str, str]:
    elapsed = timedelta(0) if at is None else now - at
    minutes, seconds = divmod(int(elapsed.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return (at or now).strftime("%Y-%m-%dT%H:%M:%SZ"), f"{hours:02}:{minutes:02}:{seconds:02}"


def already_stopped(at: datetime | None, now: datetime) -> Refusal:
    began, elapsed = _since(at, now)
    return not_allowed(
        "managed cluster is not currently running, stopping cannot be performed; "
        f"The stop operation started at '{began}' and elapsed time is '{elapsed}' (RFC3339 format)"
    )


def wrong_state(state: str, power: str, verb: str, at: datetime | None, now: datetime) -> Refusal:
    """`verb` is starting or stopping."""
    began, elapsed = _since(at, now)
    return not_allowed(
        f"managed cluster is in Provisioning State({state}) and Power State({power}), {verb} cannot be performed "
        f"The previous operation started at '{began}' and elapsed time is: '{elapsed}' (RFC3339 format)"
    )


def stopped_cluster(verb: str) -> Refusal:
    return not_allowed(
        f"Operation is not allowed: managed cluster is in Power State(Stopped), {verb} cannot be performed; "
        "only start and delete are allowed on a stopped cluster."
    )


def node_provisioning(verb: str) -> Refusal:
    return not_allowed(
        f"Unable to perform '{verb}' operation since the cluster enables "
        ".properties.nodeProvisioningProfile.mode 'Auto'"
    )


def availability_set() -> Refusal:
    return not_allowed("Stopping or starting is only supported for clusters backed by Virtual Machine Scale Sets.")


def system_pool_stop(name: str) -> Refusal:
    return not_allowed(f"Agent pool '{name}' has mode System and cannot be stopped; only User pools can.")


def pool_not_settled(name: str, state: str) -> Refusal:
    return not_allowed(
        f"Agent pool '{name}' is in Provisioning State({state}); "
        "it can be stopped only when it is Running and Succeeded."
    )


def stopped_pool(name: str) -> Refusal:
    return not_allowed(f"Agent pool '{name}' is stopped and can't be scaled; start it first.")


def autoscaled() -> Refusal:
    return not_allowed("Cannot scale cluster autoscaler enabled node pool.")


def invalid(message: str, target: str = "") -> Refusal:
    return Refusal(400, "InvalidParameter", f"{message} Target: {target}" if target else message)


def immutable(name: str) -> Refusal:
    return Refusal(
        400, "PropertyChangeNotAllowed", f"Changing property 'properties.{name}' is not allowed.", details=None
    )


def stale_etag(sent: str, current: str) -> Refusal:
    return Refusal(
        412,
        "PreconditionFailed",
        f"The If-Match header value '{sent}' does not match the current etag '{current}'; "
        "the resource was changed since it was read.",
    )


def exists_already() -> Refusal:
    return Refusal(412, "PreconditionFailed", "The If-None-Match header is '*' and the resource exists.")


def no_such_resource(kind: str, name: str, group: str) -> Refusal:
    return Refusal(
        404,
        "ResourceNotFound",
        f"The Resource '{kind}/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def no_such_pool(cluster: str, pool: str) -> Refusal:
    return Refusal(404, "NotFound", f"Could not find the agent pool '{pool}' in the managed cluster '{cluster}'.")


def no_such_group(group: str) -> Refusal:
    return Refusal(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def no_such_subscription(subscription: str) -> Refusal:
    return Refusal(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")


def forbidden(action: str, scope: str) -> Refusal:
    return Refusal(
        403,
        "AuthorizationFailed",
        "The client '00000000-0000-0000-0000-0000000000aa' with object id '00000000-0000-0000-0000-0000000000aa' "
        f"does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. "
        "If access was recently granted, please refresh your credentials.",
    )


def unauthenticated() -> Refusal:
    return Refusal(
        401,
        "AuthenticationFailed",
        "Authentication failed. The 'Authorization' header is missing.",
        {
            "WWW-Authenticate": 'Bearer authorization_uri="https://login.microsoftonline.com/common", '
            'error="invalid_token"'
        },
    )


def locked(scope: str, lock_scopes: list[str], verb: str) -> Refusal:
    """`verb` is write or delete."""
    held = ", ".join(f"'{one}'" for one in lock_scopes)
    return Refusal(
        409,
        "ScopeLocked",
        f"The scope '{scope}' cannot perform {verb} operation because following scope(s) are locked: {held}. "
        "Please remove the lock and try again.",
    )


def aks_throttled(handler: str, subscription: str, seconds: int) -> Refusal:
    return Refusal(
        429,
        "Throttled",
        f"The {handler} request limit has been exceeded for SubID='{subscription}', "
        f"please retry again in {seconds} seconds.",
        {"Retry-After": str(seconds)},
    )


def arm_throttled(kind: str, subscription: str, seconds: int) -> Refusal:
    return Refusal(
        429,
        "SubscriptionRequestsThrottled",
        f"Number of '{kind}' requests for subscription '{subscription}' actor exceeded. "
        f"Please try again after '{seconds}' seconds after additional tokens are available.",
        {"Retry-After": str(seconds)},
    )
