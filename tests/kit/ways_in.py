"""What tests of several folders do with a person: show codes, passkeys and second factors."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pyotp

from accounts.address import account_of
from accounts.operating import Operating
from accounts.sessions import Sessions
from keysteward.box import SealedBox
from store import ProvenOwner
from store.clock import SECOND
from tests.kit.authenticator import Authenticator
from tests.kit.fake_whatsapp import FakeWhatsApp
from tests.kit.graphql_client import House, Visitor

_numbers = count(1_000_000)


def number() -> str:
    """Give a telephone number that nobody has asked for yet."""
    return f"+4915{next(_numbers):09}"


def whatsapp_settings(fake: FakeWhatsApp) -> dict[str, str]:
    """Give the environment in which an installation sends codes by this one."""
    given = fake.settings()
    return {
        "KEYSTEWARD_WHATSAPP_TOKEN": given.token,
        "KEYSTEWARD_WHATSAPP_PHONE_NUMBER_ID": given.phone_number_id,
        "KEYSTEWARD_WHATSAPP_TEMPLATE": given.template,
        "KEYSTEWARD_WHATSAPP_APP_SECRET": given.app_secret,
        "KEYSTEWARD_WHATSAPP_VERIFY_TOKEN": given.verify_token,
        "KEYSTEWARD_WHATSAPP_URL": given.url,
    }


async def code_for(home: House, someone: Visitor, to: str, intent: str) -> dict[str, str]:
    """Have a code sent; give what `showCode` takes."""
    home.rows("DELETE FROM buckets")
    assert home.whatsapp is not None
    came = len(home.whatsapp.messages)
    asked = await someone.do("requestCode", number=to, intent=intent)
    assert asked["__typename"] == "CodeRequested", asked
    message = await home.whatsapp.received(came + 1)
    assert message.to == to
    return {"ticket": asked["ticket"], "code": message.code}


async def by_number(home: House, to: str) -> Visitor:
    """Sign somebody in, or up, by their telephone number."""
    someone = await home.visitor()
    shown = await someone.do("showCode", **await code_for(home, someone, to, "SIGN_IN"))
    assert shown["__typename"] == "SignedIn", shown
    return someone


@dataclass
class App:
    """Somebody's authenticator app, with the recovery codes that they wrote down."""

    home: House
    secret: str
    codes: list[str] = field(default_factory=list)

    def code(self) -> str:
        """Give the code of this moment; each counts once, so the clock goes on to the next."""
        self.home.clock.forward(seconds=30)
        return pyotp.TOTP(self.secret).at(self.home.clock() // SECOND)


async def second_factor(home: House, someone: Visitor) -> App:
    """Have somebody set up an authenticator app."""
    begun = await someone.do("beginSecondFactor")
    app = App(home, begun["secret"])
    made = await someone.do("addSecondFactor", ticket=begun["ticket"], code=app.code())
    assert made["__typename"] == "RecoveryCodes", made
    app.codes = made["codes"]
    return app


def authenticator(home: House) -> Authenticator:
    """Give an authenticator whose browser is at the address where passkeys work."""
    return Authenticator(origin=f"http://localhost:{home.config.port}", site="localhost")


async def passkey(home: House, someone: Visitor, device: Authenticator) -> dict[str, Any]:
    """Have somebody make a passkey; give the means."""
    begun = await someone.do("beginPasskey", intent="LINK")
    made = await someone.do(
        "addPasskey",
        ticket=begun["ticket"],
        answer=device.create(begun["options"]),
        name="a passkey",
    )
    assert made["__typename"] == "MeansAdded", made
    means: dict[str, Any] = made["means"]
    return means


async def show_passkey(someone: Visitor, device: Authenticator, intent: str) -> dict[str, Any]:
    """Have somebody sign in, or be fresh, by the newest passkey of a device."""
    begun = await someone.do("beginPasskey", intent=intent)
    answer = device.get(begun["options"])
    return await someone.do("showPasskey", ticket=begun["ticket"], intent=intent, answer=answer)


async def disable(home: House, account: str) -> None:
    """Be the operator, and disable an account."""
    services = home.services
    sessions = Sessions(services.store, services.signer, services.clock)
    operator = "operator@example.com"
    operating = Operating(
        services.store,
        SealedBox(services.signer),  # type: ignore[arg-type]  # the keyring signs, too
        services.signer,
        services.clock,
        sessions,
        (operator,),
    )
    await operating.disable(ProvenOwner(account_of(operator)), account)
