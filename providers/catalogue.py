"""The catalogue. Add a provider by adding its row here; nothing else knows any by name."""

from typing import Final

from providers.provider import Check, ErrorStyle, Provider, Slot


class UnknownProvider(Exception):  # noqa: N818 - it names what happened
    """No provider of that name is in the catalogue."""

    def __init__(self) -> None:
        super().__init__(f"Unknown provider. Known ones: {', '.join(CATALOGUE)}.")


_ROWS: Final = (
    Provider(
        id="openai",
        name="OpenAI",
        origin="https://api.openai.com",
        slots=(Slot(b"authorization", b"Bearer"),),
        # Published by the secret scanners; `T3BlbkFJ` is in every key that OpenAI makes today.
        shapes=(
            r"sk-(?:proj|svcacct|service|admin)-[A-Za-z0-9_-]{20,250}",
            r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
            r"sk-[A-Za-z0-9]{32,64}",
        ),
        prefixes=("sk-svcacct-", "sk-service-", "sk-admin-", "sk-proj-", "sk-"),
        # platform.openai.com/docs/api-reference/models/list; a restricted key answers 403.
        check=Check("/v1/models"),
        # Restricted keys are reported to get a 401 that names the scope they lack.
        scoped_answers=((403, b""), (401, b"Missing scopes"), (401, b"insufficient permissions")),
        error_style=ErrorStyle.OPENAI,
        headers=(b"openai-", b"x-stainless-", b"x-ratelimit-", b"x-client-request-id"),
        sdk_path="/v1",
    ),
    Provider(
        id="anthropic",
        name="Anthropic",
        origin="https://api.anthropic.com",
        slots=(Slot(b"x-api-key"), Slot(b"authorization", b"Bearer")),
        shapes=(r"sk-ant-[a-z0-9]+-[A-Za-z0-9_-]{20,250}",),
        prefixes=("sk-ant-api03-", "sk-ant-admin01-", "sk-ant-oat01-", "sk-ant-"),
        # docs.anthropic.com/en/api/models-list; a scoped key answers 403.
        check=Check("/v1/models", ((b"anthropic-version", b"2023-06-01"),)),
        error_style=ErrorStyle.ANTHROPIC,
        headers=(b"anthropic-", b"x-stainless-"),
        sdk_path="",
    ),
    Provider(
        id="google",
        name="Google",
        origin="https://generativelanguage.googleapis.com",
        slots=(Slot(b"x-goog-api-key"),),
        shapes=(r"AIza[A-Za-z0-9_-]{35}", r"AQ\.Ab[A-Za-z0-9_-]{40,250}"),
        prefixes=("AIza", "AQ.Ab"),
        # See ai.google.dev/api/models#method:-models.list; a bad key is 400 INVALID_ARGUMENT.
        check=Check("/v1beta/models?pageSize=1"),
        error_style=ErrorStyle.GOOGLE,
        headers=(b"x-goog-api-client", b"x-goog-request-params", b"x-goog-user-project"),
        sdk_path="",
        # 400 is also its answer where it does not serve the country; that says nothing of the key.
        invalid_answers=((401, b""), (400, b"API_KEY_INVALID"), (400, b"API key not valid")),
    ),
    Provider(
        id="elevenlabs",
        name="ElevenLabs",
        origin="https://api.elevenlabs.io",
        slots=(Slot(b"xi-api-key"),),
        shapes=(r"sk_[a-f0-9]{48}",),
        unmarked_shapes=(r"[a-f0-9]{32}",),
        prefixes=("sk_",),
        # elevenlabs.io/docs/api-reference/user/get. Who lacks the right to read it gets a 401 too.
        check=Check("/v1/user"),
        scoped_answers=((401, b"missing_permissions"), (403, b"")),
        error_style=ErrorStyle.ELEVENLABS,
        # Not `xi-`: the key's own header begins with it.
        headers=(
            b"character-cost",
            b"x-character-count",
            b"history-item-id",
            b"song-id",
            b"current-concurrent-requests",
            b"maximum-concurrent-requests",
            b"tts-latency-ms",
            b"x-trace-id",
            b"x-region",
            b"x-fern-",
        ),
        sdk_path="",
    ),
    Provider(
        id="stripe",
        name="Stripe",
        origin="https://api.stripe.com",
        # Its SDKs send Bearer; its documentation's `curl -u sk_test_…:` makes the key a user.
        slots=(Slot(b"authorization", b"Bearer"), Slot(b"authorization", b"Basic")),
        shapes=(
            r"sk_(?:live|test|prod)_[A-Za-z0-9]{10,250}",
            r"rk_(?:live|test|prod)_[A-Za-z0-9]{10,250}",
            # No key, but what proves a webhook to be Stripe's.
            r"whsec_[A-Za-z0-9]{20,250}",
        ),
        prefixes=("sk_live_", "sk_test_", "rk_live_", "rk_test_"),
        # docs.stripe.com/api/balance; a restricted key answers 403.
        check=Check("/v1/balance"),
        error_style=ErrorStyle.STRIPE,
        headers=(b"stripe-", b"x-stripe-", b"original-request", b"idempotent-replayed"),
        sdk_path="",
    ),
    Provider(
        id="twilio",
        name="Twilio",
        origin="https://api.twilio.com",
        # What is kept is both, as Basic wants them: `AC…:auth token` or `SK…:secret`. Its SDK takes
        # the tool's token as the auth token, beside the real account; or by OAuth's Bearer.
        slots=(Slot(b"authorization", b"Basic"), Slot(b"authorization", b"Bearer")),
        shapes=(r"AC[0-9a-f]{32}:[0-9a-f]{32}", r"SK[0-9a-f]{32}:[0-9A-Za-z]{32}"),
        # The account stands in every path, and is no secret.
        prefixes=(),
        # twilio.com/docs/iam/api-keys: of the keys that begin with SK, only a Main one may ask for
        # accounts; the others get the same 401 as a wrong one.
        check=Check("/2010-04-01/Accounts.json?PageSize=1", unsure_of=("SK",)),
        error_style=ErrorStyle.TWILIO,
        headers=(b"twilio-", b"x-twilio-", b"i-twilio-idempotency-token", b"accept-charset"),
        sdk_path="",
    ),
    Provider(
        id="vultr",
        name="Vultr",
        origin="https://api.vultr.com",
        slots=(Slot(b"authorization", b"Bearer"),),
        shapes=(),
        unmarked_shapes=(r"[A-Z0-9]{36}",),
        prefixes=(),
        # vultr.com/api/#tag/account. A key answers only to the addresses that its owner allows.
        check=Check("/v2/account"),
        scoped_answers=((401, b"Unauthorized IP"), (403, b"")),
        error_style=ErrorStyle.VULTR,
        headers=(),
        sdk_path="",
    ),
    Provider(
        id="railway",
        name="Railway",
        origin="https://backboard.railway.com",
        # docs.railway.com/reference/public-api: account and workspace tokens go by Bearer. A
        # project's token goes in a header of its own and looks no different, so none can be kept
        # here; but a tool's token may stand in that header.
        slots=(Slot(b"authorization", b"Bearer"), Slot(b"project-access-token")),
        shapes=(),
        unmarked_shapes=(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",),
        prefixes=(),
        # `me` is refused to a workspace's token; `apiToken` answers both. GraphQL's errors are 200.
        check=Check(
            "/graphql/v2",
            ((b"content-type", b"application/json"),),
            method="POST",
            body=b'{"query":"{apiToken{workspaces{id}}}"}',
        ),
        valid_answers=((200, b'"apiToken":{'),),
        invalid_answers=((401, b""), (200, b"Not Authorized"), (400, b"Not Authorized")),
        error_style=ErrorStyle.GRAPHQL,
        headers=(b"x-ratelimit-", b"x-railway-"),
        sdk_path="/graphql/v2",
    ),
    Provider(
        id="resend",
        name="Resend",
        origin="https://api.resend.com",
        slots=(Slot(b"authorization", b"Bearer"),),
        shapes=(r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}",),
        prefixes=("re_",),
        # resend.com/docs/api-reference/errors: a key that may only send answers 401, and one that
        # is no good 400, 401 or 403.
        check=Check("/domains"),
        scoped_answers=((401, b"restricted_api_key"),),
        invalid_answers=(
            (401, b""),
            (400, b"API key is invalid"),
            (403, b"API key is invalid"),
            (403, b"invalid_api_key"),
        ),
        error_style=ErrorStyle.RESEND,
        headers=(b"ratelimit-", b"x-resend-", b"x-batch-validation"),
        sdk_path="",
    ),
    Provider(
        id="github",
        name="GitHub",
        origin="https://api.github.com",
        slots=(
            Slot(b"authorization", b"Bearer"),
            Slot(b"authorization", b"token"),
            Slot(b"authorization", b"Basic"),
        ),
        shapes=(r"gh[pousr]_[A-Za-z0-9_]{36,251}", r"github_pat_[A-Za-z0-9_]{36,250}"),
        prefixes=("github_pat_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
        # docs.github.com/en/rest/rate-limit: open to every kind of token, and counts as no request.
        check=Check("/rate_limit", ((b"x-github-api-version", b"2022-11-28"),)),
        error_style=ErrorStyle.GITHUB,
        # Not `x-github-`: with `sso` comes an address at which the owner would sign a key in.
        headers=(
            b"x-github-api-version",
            b"x-github-media-type",
            b"x-github-next-global-id",
            b"x-github-request-id",
            b"x-ratelimit-",
            b"x-accepted-",
            b"x-oauth-scopes",
            b"x-poll-interval",
            b"link",
            b"deprecation",
            b"sunset",
        ),
        sdk_path="",
        # docs.github.com/en/rest/actions/cache: a cache is found, and deleted, by its key.
        harmless_queries=(b"key",),
    ),
    Provider(
        id="mistral",
        name="Mistral",
        origin="https://api.mistral.ai",
        slots=(Slot(b"authorization", b"Bearer"),),
        shapes=(),
        unmarked_shapes=(r"[A-Za-z0-9]{32}",),
        prefixes=(),
        # docs.mistral.ai/api/#tag/models
        check=Check("/v1/models"),
        error_style=ErrorStyle.MISTRAL,
        headers=(b"x-ratelimit-", b"ratelimit", b"mistral-", b"x-stainless-"),
        sdk_path="",
    ),
    Provider(
        id="groq",
        name="Groq",
        origin="https://api.groq.com",
        slots=(Slot(b"authorization", b"Bearer"),),
        shapes=(r"gsk_[A-Za-z0-9]{52}",),
        prefixes=("gsk_",),
        # console.groq.com/docs/api-reference#models-list
        check=Check("/openai/v1/models"),
        error_style=ErrorStyle.OPENAI,
        headers=(b"x-groq-", b"groq-", b"x-ratelimit-", b"x-stainless-"),
        # For OpenAI's SDK. Groq's own adds this path itself.
        sdk_path="/openai/v1",
    ),
    Provider(
        id="deepseek",
        name="DeepSeek",
        origin="https://api.deepseek.com",
        slots=(Slot(b"authorization", b"Bearer"),),
        # OpenAI's old keys may look the same.
        shapes=(r"sk-[a-f0-9]{32}",),
        prefixes=("sk-",),
        # api-docs.deepseek.com/api/get-user-balance
        check=Check("/user/balance"),
        error_style=ErrorStyle.OPENAI,
        headers=(b"x-ds-", b"x-stainless-"),
        sdk_path="",
    ),
    Provider(
        id="xai",
        name="xAI",
        origin="https://api.x.ai",
        slots=(Slot(b"authorization", b"Bearer"),),
        shapes=(r"xai-[A-Za-z0-9_]{80}",),
        prefixes=("xai-",),
        # See docs.x.ai/docs/api-reference: a wrong key is a 400, and one that was switched off says
        # so of itself.
        check=Check("/v1/api-key"),
        scoped_answers=((403, b""), (200, b'"team_blocked":true')),
        invalid_answers=(
            (401, b""),
            (400, b"Incorrect API key"),
            (400, b"Incorrect%20API%20key"),
            (200, b'"api_key_blocked":true'),
            (200, b'"api_key_disabled":true'),
        ),
        error_style=ErrorStyle.OPENAI,
        headers=(b"x-grok-", b"x-ratelimit-", b"x-stainless-"),
        sdk_path="/v1",
    ),
    Provider(
        id="openrouter",
        name="OpenRouter",
        origin="https://openrouter.ai",
        slots=(Slot(b"authorization", b"Bearer"),),
        shapes=(r"sk-or-v1-[a-f0-9]{64}",),
        prefixes=("sk-or-v1-",),
        # openrouter.ai/docs/api/reference/limits; its list of models asks for no key.
        check=Check("/api/v1/key"),
        error_style=ErrorStyle.OPENROUTER,
        headers=(b"x-openrouter-", b"x-generation-id", b"x-ratelimit-", b"x-stainless-"),
        sdk_path="/api/v1",
    ),
    Provider(
        id="together",
        name="Together",
        origin="https://api.together.xyz",
        slots=(Slot(b"authorization", b"Bearer"),),
        shapes=(r"tgp_v1_[A-Za-z0-9_-]{43}",),
        unmarked_shapes=(r"[a-f0-9]{64}",),
        prefixes=("tgp_v1_",),
        # docs.together.ai/reference/models
        check=Check("/v1/models"),
        error_style=ErrorStyle.OPENAI,
        headers=(b"x-ratelimit", b"x-tokenlimit", b"x-together-", b"x-stainless-"),
        sdk_path="/v1",
    ),
    Provider(
        id="cohere",
        name="Cohere",
        origin="https://api.cohere.com",
        slots=(Slot(b"authorization", b"Bearer"),),
        shapes=(),
        unmarked_shapes=(r"[A-Za-z0-9]{40}",),
        prefixes=(),
        # docs.cohere.com/reference/check-api-key
        check=Check("/v1/check-api-key", method="POST"),
        valid_answers=((200, b'"valid":true'),),
        invalid_answers=((401, b""), (200, b'"valid":false')),
        error_style=ErrorStyle.COHERE,
        headers=(
            b"x-client-name",
            b"x-fern-",
            b"x-api-warning",
            b"x-debug-trace-id",
            b"x-endpoint-",
            b"x-trial-endpoint-",
            b"num_chars",
            b"num_tokens",
        ),
        sdk_path="",
    ),
    Provider(
        id="perplexity",
        name="Perplexity",
        origin="https://api.perplexity.ai",
        slots=(Slot(b"authorization", b"Bearer"),),
        shapes=(r"pplx-[A-Za-z0-9]{48}",),
        prefixes=("pplx-",),
        # docs.perplexity.ai/api-reference/async-sonar-get: the owner's own requests, a list.
        check=Check("/v1/async/sonar"),
        error_style=ErrorStyle.OPENAI,
        headers=(b"x-ratelimit-", b"x-stainless-"),
        sdk_path="",
    ),
)

CATALOGUE: Final[dict[str, Provider]] = {row.id: row for row in _ROWS}


def find(name: str) -> Provider:
    """Give the provider of that id. Raises `UnknownProvider`."""
    try:
        return CATALOGUE[name]
    except KeyError:
        raise UnknownProvider from None


def looks_like(text: str) -> Provider | None:
    """Give the provider whose mark this key bears, or None when no one's or several have it."""
    matches = [row for row in _ROWS if row.marked.fullmatch(text)]
    return matches[0] if len(matches) == 1 else None
