"""The vault's errors: plain sentences that end, each saying what to do or what is so."""

from vault import errors


def test_a_refused_key_names_the_provider_and_not_the_key() -> None:
    refused = errors.KeyRefused("openai", "OpenAI")
    assert refused.provider == "openai"
    assert str(refused).startswith("OpenAI refused this key.")


def test_every_error_of_the_vault_is_one_of_a_family() -> None:
    own = [
        error
        for error in vars(errors).values()
        if isinstance(error, type) and error.__module__ == errors.__name__
    ]
    assert all(issubclass(error, errors.VaultFailure) for error in own)
