"""What a claims file says that a run took beside time: power, energy and money."""

from __future__ import annotations

from assay.audit.evidence import Costs
from assay.audit.readers.fields import Fields

COST_FIELDS = (
    "power",
    "energy",
    "energy_per_token",
    "tokens_per_joule",
    "price_per_hour",
    "price_per_million_tokens",
)


def read_costs(fields: Fields) -> Costs:
    """Raises UserError naming the field that is wrong."""
    return Costs(
        power_w=fields.watts("power"),
        energy_j=fields.joules("energy"),
        energy_per_token_j=fields.joules("energy_per_token"),
        tokens_per_joule=fields.span("tokens_per_joule"),
        price_per_hour=fields.price("price_per_hour"),
        price_per_million_tokens=fields.price("price_per_million_tokens"),
    )
