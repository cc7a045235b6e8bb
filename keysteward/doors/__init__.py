"""The pages through which people get in: plain forms, made here, that work without scripts.

A GET shows and does nothing else: programs that look through mail open every link in it. What is
done is asked for by a POST from a page of ours. A ticket, a code or a password stands in no
address, no answer and no log.
"""

from collections.abc import Sequence

from starlette.routing import Route

from keysteward.config import Config
from keysteward.doors.codes import code_routes
from keysteward.doors.door import House
from keysteward.doors.elsewhere import elsewhere_routes
from keysteward.doors.entrance import entrance_routes
from keysteward.doors.files import file_routes
from keysteward.doors.mailed import mailed_routes
from keysteward.doors.security import security_routes
from keysteward.doors.webhook import webhook_routes
from keysteward.page.dashboard_page import dashboard_routes
from keysteward.page.graphiql_page import graphiql_routes
from resolvers.context import Services

__all__ = ["door_routes"]


def door_routes(config: Config, services: Services) -> Sequence[Route]:
    """Give the routes of every page, GraphiQL's among them where it is served."""
    house = House(config, services)
    return [
        *entrance_routes(house),
        *code_routes(house),
        *mailed_routes(house),
        *elsewhere_routes(house),
        *webhook_routes(house),
        *security_routes(house),
        *file_routes(house),
        *dashboard_routes(house.knows),
        *(graphiql_routes(house.knows) if config.graphiql else ()),
    ]
