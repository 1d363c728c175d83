"""What all fakes share."""

from netnode.operations import models

ME = "nx1" + "me" * 29
OTHER = "nx1" + "ot" * 29


def paged(items, query):
    start = int(query.cursor or 0)
    end = start + query.limit
    return models.Page(items[start:end], str(end) if end < len(items) else None)
