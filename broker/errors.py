"""Why a call was not made, or not finished: a closed set, each with the HTTP status it answers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

from broker.outcome import Outcome
from store.errors import Failure


class CallFailure(Failure):
    """A call that keysteward itself ends. `code` is what a program reads; it never changes."""

    status: ClassVar[HTTPStatus]
    code: ClassVar[str]
    outcome: ClassVar[Outcome] = Outcome.REFUSED
    retry_after: int | None = None
    """Seconds after which the same request may do better; None: a retry can't help."""
    facts: Mapping[str, str] | None = None
    """What a program may want to read besides the code."""


class RequestRefused(CallFailure):
    """The request has a form in which no call is made; the sentence says what to change."""

    status = HTTPStatus.BAD_REQUEST
    code = "request_refused"


class CredentialInUrl(CallFailure):
    """A credential stands in the URL, where logs and proxies keep it."""

    status = HTTPStatus.BAD_REQUEST
    code = "credential_in_url"

    def __init__(self) -> None:
        super().__init__(
            "A credential stands in the URL. Send the tool token in the provider's own header; if "
            "a real key stood there, it has passed through logs and should be rotated."
        )


class ToolTokenRequired(CallFailure):
    """No tool token came, or one that is mistyped, unknown, revoked, expired or of another kind."""

    status = HTTPStatus.UNAUTHORIZED
    code = "tool_token_required"


class OwnerUnverified(CallFailure):
    """This installation makes calls only for owners whose address is verified."""

    status = HTTPStatus.FORBIDDEN
    code = "owner_unverified"


class ToolTooFast(CallFailure):
    """The tool begins more calls a minute than its owner lets it."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "tool_rate_limited"

    def __init__(self, wait: int) -> None:
        super().__init__(f"This tool calls faster than its owner lets it. Try again in {wait} s.")
        self.retry_after = wait


class ProviderNotAllowed(CallFailure):
    """The tool may not use this provider."""

    status = HTTPStatus.FORBIDDEN
    code = "provider_not_allowed"

    def __init__(self, provider: str) -> None:
        super().__init__(f"This tool may not use {provider}. Its owner chose its providers.")


class ProviderUnknown(CallFailure):
    """No provider of that name is in the catalogue."""

    status = HTTPStatus.NOT_FOUND
    code = "unknown_provider"


class NoKeyForCall(CallFailure):
    """The owner has no key that this call could use."""

    status = HTTPStatus.NOT_FOUND
    code = "no_key"


class KeyUnusable(CallFailure):
    """The owner's key is there and does not open."""

    status = HTTPStatus.CONFLICT
    code = "key_needs_reentry"


class CallCut(CallFailure):
    """The key was removed, or the tool revoked, while the call ran."""

    status = HTTPStatus.CONFLICT
    code = "key_removed"
    outcome = Outcome.CUT

    def __init__(self) -> None:
        super().__init__("The key or the tool was revoked while this call ran; it was cut.")


class RemovalsUnheard(CallFailure):
    """This process can't follow the log of changes, so it may not hear that a key was removed."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "removals_unheard"
    retry_after = 1

    def __init__(self) -> None:
        super().__init__(
            "This server process can't hear of removals at this moment, so it makes no calls. Try "
            "again."
        )


class CallGivenUp(RemovalsUnheard):
    """A call that ran when its process had stopped hearing of removals for too long."""

    outcome = Outcome.LOST


class UpstreamFailed(CallFailure):
    """The provider could not be reached, or did not answer as HTTP does."""

    status = HTTPStatus.BAD_GATEWAY
    code = "upstream_failed"
    outcome = Outcome.UPSTREAM_FAILED


class AnswerUninspectable(CallFailure):
    """The answer is coded in a way that can't be inspected, and the tool takes no such answer."""

    status = HTTPStatus.BAD_GATEWAY
    code = "uninspectable"
    outcome = Outcome.UPSTREAM_FAILED

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The provider's answer can't be inspected ({why}), and this tool takes none such. "
            "What it cost is charged all the same."
        )


class UpstreamTooSlow(CallFailure):
    """The provider did not answer in time."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    code = "upstream_timed_out"
    outcome = Outcome.UPSTREAM_FAILED


class CeilingRefused(CallFailure):
    """A ceiling does not let the call in. `facts` hold limit, settled, held, bound and reason."""

    status = HTTPStatus.PAYMENT_REQUIRED
    code = "ceiling_refused"


class CeilingHit(CeilingRefused):
    """The ceiling is used up, or was; it stays hit until its owner resets or raises it."""

    code = "ceiling_hit"


class BoundAboveCeiling(CeilingRefused):
    """The call alone might cost more than the whole ceiling; the ceiling stays open for others."""

    code = "bound_above_ceiling"


class HoldsInFlight(CeilingRefused):
    """Calls that are running hold what is left; it may come free when they end."""

    code = "in_flight_holds"
    retry_after = 1


class NotPriceable(CallFailure):
    """A ceiling governs the call, and no upper bound of its cost can be given."""

    status = HTTPStatus.PAYMENT_REQUIRED
    code = "unpriceable"


class BodyTooLarge(CallFailure):
    """A ceiling governs the call, and its body is too large to work a bound out of."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "body_too_large"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"Under a ceiling, a request's body has at most {most // 2**20} MiB: what it may cost "
            "is worked out before it leaves."
        )


class CeilingGone(Failure):
    """No such ceiling, or tool: removed, or never was."""

    def __init__(self) -> None:
        super().__init__("There is no such ceiling, or tool.")


class CeilingUnfit(Failure):
    """A ceiling can't have this limit or unit."""


class PriceUnfit(Failure):
    """A price can't be this."""


class NothingDisputed(Failure):
    """No call of that reference is disputed."""

    def __init__(self) -> None:
        super().__init__("No call of that reference is disputed.")


class CommitmentGone(Failure):
    """Nothing of that name runs and costs by the hour."""

    def __init__(self) -> None:
        super().__init__("Nothing of that name costs by the hour.")


class FileGone(Failure):
    """There is no such file."""

    def __init__(self) -> None:
        super().__init__("There is no such file: deleted, or never was.")


class ClientGone(Failure):
    """The tool hung up; there is nobody left to tell."""
