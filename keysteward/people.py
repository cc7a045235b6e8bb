"""Puts the parts together by which people and programs get in."""

from contextlib import AsyncExitStack

from accounts.accounts import Accounts
from accounts.deletion import Deletion
from accounts.elsewhere import SigningInElsewhere
from accounts.entering import Entering
from accounts.guesses import Guesses, Limits
from accounts.identity_kind import IdentityKind
from accounts.invites import Invites, SignUp
from accounts.links import Links
from accounts.moving import Moving
from accounts.operating import Operating
from accounts.other_side import Elsewhere
from accounts.outbox import Outbox
from accounts.passkeys import Passkeys
from accounts.passwords import Passwords
from accounts.people import People
from accounts.phone_codes import PhoneCodes
from accounts.postman import Postman
from accounts.resets import Resets
from accounts.second_factor import SecondFactor
from accounts.sessions import Sessions
from accounts.smtp import OutboxFile, Smtp
from accounts.tickets import Tickets
from accounts.tools import Tools
from accounts.user_tokens import UserTokens
from accounts.verifying import Verifying
from accounts.ways import Ways
from accounts.whatsapp import WhatsApp
from broker.calls import Calls
from broker.ceilings import Ceilings
from broker.files import Files
from keysteward.box import SealedBox
from keysteward.config import Config
from keysteward.masterkey import cookie_keyring_of
from store import Clock, Store
from vault.keyring import Keyring
from vault.revocations import Revocations
from vault.vault import Vault


def gather(  # noqa: PLR0917 - made in one place
    stack: AsyncExitStack,
    config: Config,
    store: Store,
    keyring: Keyring,
    clock: Clock,
    passwords: Passwords,
    vault: Vault,
    *,
    limits: Limits | None = None,
) -> People:
    """Make them, from the outbox up; what they hold open closes with the stack."""
    # What an account has that others keep: it ends, moves and goes with the account.
    belongings = (
        vault,
        Calls(store),
        Revocations(store, clock),
        Ceilings(store, keyring, clock),
        Files(store, keyring, clock, most=config.files_megabytes << 20),
    )
    box = SealedBox(keyring)
    tickets, outbox, links = Tickets(box), Outbox(box), Links(config.url)
    cookies = cookie_keyring_of(config)
    sessions = Sessions(store, keyring, clock, cookies=cookies)
    tools, user_tokens = Tools(store, keyring, clock), UserTokens(store, keyring, clock)
    guesses = Guesses(store, keyring, outbox, clock, limits)
    deletion = Deletion(
        store,
        box,
        keyring,
        clock,
        tickets,
        outbox,
        sessions,
        tools,
        user_tokens,
        belongings,
    )
    verifying = Verifying(store, box, tickets, outbox, keyring, clock, deletion, guesses, links)
    invites = Invites(store, tickets, keyring, clock, SignUp(config.sign_up))
    accounts = Accounts(store, passwords, box, keyring, clock, outbox, verifying, invites, deletion)
    second = SecondFactor(store, box, tickets, keyring, outbox, clock, "keysteward")
    entering = Entering(store, keyring, clock, accounts, sessions, second, tickets, outbox, guesses)
    passkeys = Passkeys(store, tickets, keyring, outbox, clock, site=config.relying_party)
    providers = _providers(config, clock)
    offered = {*providers, *([IdentityKind.WHATSAPP] if config.whatsapp else ())}
    ways = Ways(store, box, keyring, clock, outbox, accounts, passkeys, offered)
    whatsapp = WhatsApp(config.whatsapp) if config.whatsapp else None
    phone_codes = PhoneCodes(store, tickets, keyring, clock, whatsapp)
    for provider in providers.values():
        stack.push_async_callback(provider.close)
    stack.push_async_callback(phone_codes.close)
    transport = Smtp(config.smtp) if config.smtp else OutboxFile(config.outbox_file)
    return People(
        accounts=accounts,
        deletion=deletion,
        elsewhere=SigningInElsewhere(
            store,
            box,
            keyring,
            clock,
            tickets,
            outbox,
            accounts,
            sessions,
            entering,
            guesses,
            ways,
            providers,
            config.url,
        ),
        entering=entering,
        guesses=guesses,
        invites=invites,
        moving=Moving(
            store,
            box,
            keyring,
            clock,
            tickets,
            outbox,
            accounts,
            sessions,
            tools,
            user_tokens,
            deletion,
            belongings,
            guesses,
            links,
        ),
        operating=Operating(store, box, keyring, clock, sessions, config.operators),
        passkeys=passkeys,
        phone_codes=phone_codes,
        postman=Postman(store, outbox, transport, clock, site=config.url, sender=config.sender),
        resets=Resets(
            store,
            box,
            keyring,
            clock,
            tickets,
            outbox,
            accounts,
            sessions,
            verifying,
            guesses,
            links,
        ),
        second_factor=second,
        sessions=sessions,
        tools=tools,
        user_tokens=user_tokens,
        verifying=verifying,
        links=links,
        passkeys_at=config.relying_party.origin,
        ways=ways,
    )


def _providers(config: Config, clock: Clock) -> dict[IdentityKind, Elsewhere]:
    """Make those that are set up. What they stand on takes 10 MB: only then is it loaded."""
    found: dict[IdentityKind, Elsewhere] = {}
    if config.google_client_id:
        from accounts.google import Google  # noqa: PLC0415 - as above

        found[IdentityKind.GOOGLE] = Google(
            config.google_client_id,
            config.google_client_secret,
            issuer=config.google_issuer,
            clock=clock,
        )
    if config.github_client_id:
        from accounts.github import GitHub  # noqa: PLC0415 - as above

        found[IdentityKind.GITHUB] = GitHub(
            config.github_client_id,
            config.github_client_secret,
            web=config.github_url,
            api=config.github_api_url,
            clock=clock,
        )
    return found
