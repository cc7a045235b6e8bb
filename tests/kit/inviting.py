"""Invites of the operator's own, as `keysteward account invite` makes them."""

from accounts.invites import Invites, SignUp
from accounts.tickets import Tickets
from keysteward.box import SealedBox
from keysteward.masterkey import keyring_of
from store import Store
from tests.kit.graphql_client import House


async def invite_to(house: House) -> str:
    """Make one; give its text."""
    keyring = keyring_of(house.config)
    async with await Store.open(house.config.database) as store:
        tickets = Tickets(SealedBox(keyring))
        invites = Invites(store, tickets, keyring, house.clock, SignUp.INVITE)
        text, _ = await invites.make_for_operator()
    return text
