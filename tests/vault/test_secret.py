"""A secret has no text form, whatever is tried."""

import copy
import dataclasses
import json
import logging
import pickle
import traceback
from collections.abc import Callable

import pytest

from vault.secret import Secret

CANARY = "sk-CANARY-that-must-not-be-seen"


@pytest.fixture
def secret() -> Secret:
    return Secret(CANARY.encode())


@pytest.mark.parametrize(
    "show",
    [
        str,
        bytes,
        bytearray,
        list,
        tuple,
        len,
        bool,
        iter,
        hash,
        json.dumps,
        memoryview,
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        lambda secret: f"{secret}",
        lambda secret: f"{secret!s}",
        lambda secret: f"{secret:>10}",
        lambda secret: "%s" % secret,  # noqa: UP031
        "{}".format,
        Secret.__getstate__,
        lambda secret: object.__reduce_ex__(secret, 4),
        "".join,
        lambda secret: secret + b"more",
        lambda secret: secret[0],
        lambda secret: {secret: 1},
        *(lambda secret, p=p: pickle.dumps(secret, p) for p in range(pickle.HIGHEST_PROTOCOL + 1)),
    ],
)
def test_it_refuses_to_be_shown_or_copied(secret: Secret, show: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as refused:
        show(secret)
    assert CANARY not in str(refused.value)


def test_its_repr_holds_nothing_of_it(secret: Secret) -> None:
    assert repr(secret) == f"{secret!r}" == "Secret(…)"


def test_it_has_no_attributes_to_be_listed(secret: Secret) -> None:
    with pytest.raises(TypeError):
        vars(secret)
    assert CANARY not in repr([secret]) + repr({"key": secret})


def test_a_dataclass_that_holds_it_can_be_shown_but_not_taken_apart(secret: Secret) -> None:
    @dataclasses.dataclass
    class Holder:
        key: Secret

    assert CANARY not in repr(Holder(secret))
    with pytest.raises(TypeError):
        dataclasses.asdict(Holder(secret))


def test_a_log_line_that_means_to_print_it_prints_none_of_it(
    secret: Secret, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = logging.StreamHandler()
    logger = logging.getLogger("tests.secret")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        logger.error("the key is %s", secret)
        logger.error("the key is %r", secret)
        logger.error("went wrong", exc_info=ValueError(secret))
    finally:
        logger.removeHandler(handler)
    printed = "".join(capsys.readouterr())
    assert CANARY not in printed
    assert "Secret(…)" in printed
    assert "went wrong" in printed


def test_an_exception_that_carries_it_shows_none_of_it(secret: Secret) -> None:
    error = ValueError("bad key", secret)
    shown = repr(error) + str(error) + "".join(traceback.format_exception(error))
    assert CANARY not in shown
    with pytest.raises(TypeError):
        str(ValueError(secret))


def test_its_bytes_come_out_through_reveal(secret: Secret) -> None:
    assert secret.reveal() == CANARY.encode()


def test_what_it_was_made_of_can_change_without_it() -> None:
    text = bytearray(b"one")
    secret = Secret(text)
    text[:] = b"two"
    assert secret.reveal() == b"one"


def test_secrets_are_compared_by_their_bytes(secret: Secret) -> None:
    assert secret == Secret(CANARY.encode())
    assert secret != Secret(b"another")
    assert secret != CANARY.encode()


def test_once_wiped_it_holds_zeros(secret: Secret) -> None:
    secret.wipe()
    assert secret.reveal() == bytes(len(CANARY))
