"""What the fields about keys do."""

import strawberry

from accounts.scopes import Scope
from providers import CATALOGUE, Provider, find, looks_like
from resolvers.answers import answering
from resolvers.context import Context, Info
from resolvers.key_list import exported
from schema import types
from schema.inputs import AddKeyInput, ExportKeysInput, KeyInput, RotateKeyInput
from schema.results import (
    AddKeyResult,
    DefaultKeySet,
    ExportKeysResult,
    KeyAdded,
    KeyRemoved,
    KeyRevealed,
    KeyRotated,
    KeysExported,
    KeyVerified,
    RemoveKeyResult,
    RevealKeyResult,
    RotateKeyResult,
    SetDefaultKeyResult,
    VerifyKeyResult,
)
from schema.scalars import SecretText, cursor_of
from store import Owner
from vault.errors import KeyGone, KeyMalformed, KeyRefused, KeyUnconfirmed
from vault.rows import KeyState
from vault.secret import Secret
from vault.vault import parse


async def providers() -> list[types.Provider]:
    """Every provider that keysteward knows."""
    return [types.Provider.of(row) for row in CATALOGUE.values()]


async def keys(info: Info, provider: strawberry.ID | None = None) -> list[types.Key]:
    """Your keys, masked, oldest first."""
    owner = await info.context.owner(Scope.KEYS_READ)
    found = await info.context.services.vault.list(owner, provider)
    return [types.Key.of(entry) for entry in found]


async def key(info: Info, id: strawberry.ID) -> types.Key | None:  # noqa: A002 - GraphQL's word
    """One of your keys, masked; null when there is no such key."""
    owner = await info.context.owner(Scope.KEYS_READ)
    try:
        return types.Key.of(await info.context.services.vault.get(owner, id))
    except KeyGone:
        return None


@answering
async def add_key(info: Info, input: AddKeyInput) -> AddKeyResult:  # noqa: A002
    """Keep a provider's key. It is verified first, at no cost, unless you say not to.

    Needs a fresh login where it is to become the default in another's place.
    """
    # Whoever chooses the default decides with whose key, and on whose bill, the tools' calls run.
    asks = info.context
    owner: Owner = await (
        asks.proven_owner() if input.make_default else asks.owner(Scope.KEYS_WRITE)
    )
    provider = find(input.provider)
    secret = _pasted(input.secret)
    state = await _verified(info.context, provider, secret, verify=input.verify, force=input.force)
    entry = await info.context.services.vault.add(
        owner, provider, secret, label=input.label, state=state, default=input.make_default
    )
    return KeyAdded(key=types.Key.of(entry), warning=_warning(provider, secret, state))


@answering
async def verify_key(info: Info, input: KeyInput) -> VerifyKeyResult:  # noqa: A002
    """Ask the provider again whether a key is good."""
    owner = await info.context.owner(Scope.KEYS_WRITE)
    services = info.context.services
    sealed = await services.vault.sealed(owner, input.id)
    secret = services.vault.open(sealed)
    state = await services.verifier.of_stored(CATALOGUE[sealed.provider], secret, input.id)
    secret.wipe()
    entry = await services.vault.note_verification(owner, input.id, sealed.version, state)
    return KeyVerified(key=types.Key.of(entry))


@answering
async def reveal_key(info: Info, input: KeyInput) -> RevealKeyResult:  # noqa: A002
    """Show a key's plaintext to its owner. Needs a fresh login."""
    owner = await info.context.proven_owner()
    vault = info.context.services.vault
    secret = await vault.reveal(owner, input.id)
    entry = await vault.get(owner, input.id)
    shown = SecretText(secret.reveal().decode())
    secret.wipe()
    return KeyRevealed(key=types.Key.of(entry), secret=shown)


@answering
async def rotate_key(info: Info, input: RotateKeyInput) -> RotateKeyResult:  # noqa: A002
    """Put a new key in an old one's place, under the same id. Needs a fresh login.

    The new one is verified before the old one goes: unless the provider says that it is good, or
    you say `force` or not to verify, the old one stays. Calls that run finish with the old one.
    """
    owner = await info.context.proven_owner()
    vault = info.context.services.vault
    provider = CATALOGUE[(await vault.get(owner, input.id)).provider]
    secret = _pasted(input.secret)
    state = await _verified(info.context, provider, secret, verify=input.verify, force=input.force)
    if state is KeyState.UNVERIFIED and input.verify and not input.force:
        raise KeyUnconfirmed(provider.id, provider.name)
    entry, seq = await vault.rotate(owner, input.id, provider, secret, state=state)
    return KeyRotated(
        key=types.Key.of(entry),
        cursor=cursor_of(seq),
        warning=_warning(provider, secret, state),
    )


@answering
async def remove_key(info: Info, input: KeyInput) -> RemoveKeyResult:  # noqa: A002
    """End a key: final at once, in every process; its running calls are cut, its tools told.

    Needs a fresh login.
    """
    owner = await info.context.proven_owner()
    removal = await info.context.services.vault.remove(owner, input.id)
    return KeyRemoved(id=input.id, cursor=cursor_of(removal.seq))


@answering
async def export_keys(info: Info, input: ExportKeysInput) -> ExportKeysResult:  # noqa: A002
    """Write the list of your keys as a file, JSON or CSV: providers and references, no key.

    Needs a fresh login. A program reads `keys`.
    """
    owner = await info.context.proven_owner()
    services = info.context.services
    made = await exported(services.vault, services.clock, owner, input.format)
    return KeysExported(name=made.name, media_type=made.media_type, content=made.text)


@answering
async def set_default_key(info: Info, input: KeyInput) -> SetDefaultKeyResult:  # noqa: A002
    """Choose the key that a provider's calls use when they name none. Needs a fresh login."""
    owner = await info.context.proven_owner()
    entry = await info.context.services.vault.make_default(owner, input.id)
    return DefaultKeySet(key=types.Key.of(entry))


def _pasted(text: SecretText) -> Secret:
    if not isinstance(text, str):
        raise KeyMalformed("a string")
    return parse(text)


async def _verified(
    context: Context, provider: Provider, secret: Secret, *, verify: bool, force: bool
) -> KeyState:
    """Give the key's standing. Raises `KeyRefused` when the provider refuses it, unless forced."""
    if not verify:
        return KeyState.UNVERIFIED
    state = await context.services.verifier.standing(provider, secret)
    if state is KeyState.REJECTED and not force:
        raise KeyRefused(provider.id, provider.name)
    return state


def _warning(provider: Provider, secret: Secret, state: KeyState) -> str | None:
    """Say what a person may want to know of a key that was kept all the same."""
    text = secret.reveal().decode()
    if not provider.looks_right(text) and (other := looks_like(text)) and other != provider:
        return f"This looks like a key of {other.name}, and was stored for {provider.name}."
    if state is KeyState.REJECTED:
        return f"{provider.name} refuses this key; it was stored because you said so."
    if state is KeyState.UNVERIFIED:
        return f"Not verified with {provider.name}. Verify it later, or make a call with it."
    if not provider.looks_right(text):
        return f"This does not look like the keys of {provider.name} that we know."
    return None
