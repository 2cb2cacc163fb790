"""Products of the browser tests keep their data in the run's PostgreSQL, in a database of the test's own, as a site with its own server does.

Making and starting a PostgreSQL of the product's own takes longer than all the rest of a start, and the tests of faults and of the whole
product do it all the time.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.product import ProductFactory, products_of


@pytest.fixture
def start_product(request: pytest.FixtureRequest, database_url: str) -> Iterator[ProductFactory]:
    """Starts real products; what the fixture of this name elsewhere promises holds here too."""
    with products_of(request.node, {"DATABASE_URL": database_url}) as factory:
        yield factory
