"""The parts by which people and programs get in, as fields and pages are handed them."""

from dataclasses import dataclass

from accounts.accounts import Accounts
from accounts.deletion import Deletion
from accounts.elsewhere import SigningInElsewhere
from accounts.entering import Entering
from accounts.guesses import Guesses
from accounts.identity_kind import IdentityKind
from accounts.invites import Invites
from accounts.links import Links
from accounts.moving import Moving
from accounts.operating import Operating
from accounts.passkeys import Passkeys
from accounts.phone import normalize
from accounts.phone_codes import PhoneCodes
from accounts.postman import Postman
from accounts.resets import Resets
from accounts.second_factor import SecondFactor
from accounts.sessions import Sessions
from accounts.tools import Tools
from accounts.user_tokens import UserTokens
from accounts.verifying import Verifying
from accounts.ways import Ways


@dataclass(frozen=True, slots=True)
class People:
    """Everything that knows people and their programs."""

    accounts: Accounts
    deletion: Deletion
    elsewhere: SigningInElsewhere
    entering: Entering
    guesses: Guesses
    invites: Invites
    moving: Moving
    operating: Operating
    passkeys: Passkeys
    phone_codes: PhoneCodes
    postman: Postman
    resets: Resets
    second_factor: SecondFactor
    sessions: Sessions
    tools: Tools
    user_tokens: UserTokens
    verifying: Verifying
    ways: Ways
    links: Links
    passkeys_at: str
    """The address at which passkeys work: they are bound to a name."""

    @property
    def offered(self) -> list[IdentityKind]:
        """Give who else may vouch for people here."""
        codes = [IdentityKind.WHATSAPP] if self.phone_codes.offered else []
        return [*self.elsewhere.providers, *codes]

    async def knows_number(self, number: str) -> bool:
        """Tell whether a telephone number signs in to any account. Raises `PhoneMalformed`."""
        return await self.elsewhere.is_known(IdentityKind.WHATSAPP, normalize(number))
