"""What can go wrong with keys at rest: a closed set, in plain sentences without any secret."""

from store.errors import Failure


class VaultFailure(Failure):
    """Something about a key at rest."""


class KeyGone(VaultFailure):
    """No such key of this owner: unknown, removed, or somebody else's; all three answer alike."""

    def __init__(self) -> None:
        super().__init__("You have no such key: it was removed, or never was.")


class KeyMalformed(VaultFailure):
    """What was pasted can't be anybody's key. The text itself is never repeated."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"This is not a key. Expected: {expected}.")
        self.expected = expected


class KeyRefused(VaultFailure):
    """The provider answered that the key is no good."""

    def __init__(self, provider: str, name: str) -> None:
        super().__init__(
            f"{name} refused this key. Check that it was copied whole and is still active there; "
            "nothing was stored or changed."
        )
        self.provider = provider


class KeyUnconfirmed(VaultFailure):
    """The provider did not say that the new key is good, and the old one would be lost for it."""

    def __init__(self, provider: str, name: str) -> None:
        super().__init__(
            f"{name} did not say that this key is good. The old one stays. Try again in a while."
        )
        self.provider = provider


class KeyPresent(VaultFailure):
    """The owner has this very key already; `key` is its reference."""

    def __init__(self, key: str) -> None:
        super().__init__("You have this key already.")
        self.key = key


class LabelTaken(VaultFailure):
    """Another of the owner's keys at this provider has the label."""

    def __init__(self) -> None:
        super().__init__(
            "Another of your keys at this provider has this label. Choose another one."
        )


class LabelUnfit(VaultFailure):
    """The label is empty, too long, or holds characters that can't be shown."""

    def __init__(self, longest: int) -> None:
        super().__init__(f"Give a label of 1 to {longest} printable characters.")


class KeyNeedsReentry(VaultFailure):
    """The row is there but can't be opened: it was altered, or its master key is missing."""

    def __init__(self) -> None:
        super().__init__(
            "This key can't be opened any more. Rotate it with the provider's current key, or "
            "remove it."
        )


class NoKey(VaultFailure):
    """The owner has no key at that provider."""

    def __init__(self, provider: str) -> None:
        super().__init__(
            f"There is no {provider} key for this call. Its owner can add one in keysteward, or "
            "choose which one is the default."
        )


class SealBroken(VaultFailure):
    """A sealed value does not open: altered, moved from its place, or sealed by another key."""

    def __init__(self) -> None:
        super().__init__("A sealed value did not open.")


class MasterKeyUnusable(VaultFailure):
    """The configured master keys can't serve this database; the text says what to do."""
