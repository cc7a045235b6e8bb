"""What commands need that work on the database themselves, beside a server or without one."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from accounts.entering import HalfEntered
from accounts.passwords import Passwords
from accounts.people import People
from accounts.visits import Visit
from keysteward.commands.asking import asked_for
from keysteward.config import Config
from keysteward.masterkey import keyring_of
from keysteward.people import gather
from store import Failure, ProvenOwner, Store, system_clock
from vault.keyring import Keyring
from vault.vault import Vault

_HERE = Visit(address="this machine", device="keysteward, on the command line")


class NoDatabase(Failure):
    """There is nothing to work on."""


@dataclass(frozen=True, slots=True)
class House:
    """An installation's database, opened by a command."""

    store: Store
    keyring: Keyring
    people: People


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[House]:
    """Open the database that the settings name. Raises `NoDatabase`, `MasterKeyUnusable`."""
    if not config.database.exists():
        raise NoDatabase(
            f"There is no database at {config.database}. `keysteward serve` makes one."
        )
    keyring = keyring_of(config)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(await Store.open(config.database))
        await store.write(keyring.open_check_values)
        passwords = Passwords()
        stack.callback(passwords.close)
        clock = system_clock
        vault = Vault(store, keyring, clock)
        people = gather(stack, config, store, keyring, clock, passwords, vault)
        yield House(store, keyring, people)


@asynccontextmanager
async def proven(house: House, address: str) -> AsyncIterator[ProvenOwner]:
    """Sign in as an account, as anybody would, for as long as the block runs.

    Asks for the password, and for the second factor where there is one. Raises `SignInRefused` and
    what else signing in raises.
    """
    entering, sessions = house.people.entering, house.people.sessions
    entered = await entering.by_password(address, asked_for(f"Password of {address}"), _HERE)
    if isinstance(entered, HalfEntered):
        code = asked_for("Code of the authenticator app")
        entered = await entering.second(entered.ticket, code, _HERE)
    session = await sessions.find(entered.cookie)
    try:
        yield sessions.proven(session)
    finally:
        await sessions.end(session)
