"""`--slo` of a search: limits on shares of the requests."""

from __future__ import annotations

from assay.errors import UserError


def written_limits(text: str) -> list[str]:
    """Each limit by itself, as the configuration takes them. Raises UserError."""
    from assay.runs.tail_limits import parse_tail_limits

    try:
        return [limit.written for limit in parse_tail_limits(text)]
    except ValueError as error:
        raise UserError(f"--slo {error}") from None
