"""One request, sent, read and sent again as a run's are, before any run."""

from __future__ import annotations

import asyncio
from pathlib import Path

from assay.load.bodies import Bodies
from assay.load.plan import EndpointPlan, Timeouts
from assay.load.retries import Result, result_of
from assay.load.transport import EndpointPool, EndpointSettings, Exchange, Outcome

_RETRY_S = 0.2
_SLOW = (Outcome.STALL, Outcome.TIMEOUT)  # who hung for minutes isn't waited for again


def pool_settings(endpoint: EndpointPlan, timeouts: Timeouts) -> EndpointSettings:
    """What a pool of requests to `endpoint` needs to know."""
    return EndpointSettings(
        endpoint.connection,
        path=endpoint.path,
        needs_done=endpoint.needs_done,
        stall_timeout_s=timeouts.stall_s,
        request_timeout_s=timeouts.request_s,
    )


async def try_one(endpoint: EndpointPlan, timeouts: Timeouts, index: int, max_attempts: int) -> tuple[Exchange, int]:
    """Send the body of that index, again where a run would and no patience is lost by it; what became of the last try.

    Returns that try and how many there were. Raises UserError as a pool does.
    """
    for tries in range(1, max_attempts + 1):
        exchange = await _one_try(endpoint, timeouts, index)
        assert exchange.outcome is not None
        if result_of(exchange.outcome) is not Result.FAILED or exchange.outcome in _SLOW:
            break
        if tries < max_attempts:
            await asyncio.sleep(_RETRY_S)
    return exchange, tries


async def _one_try(endpoint: EndpointPlan, timeouts: Timeouts, index: int) -> Exchange:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Exchange] = loop.create_future()
    pool = EndpointPool(pool_settings(endpoint, timeouts), lambda exchange: None, done.set_result, loop)
    try:
        pool.submit(0, Bodies(Path(endpoint.bodies))[index])
        return await done
    finally:
        await pool.close()
