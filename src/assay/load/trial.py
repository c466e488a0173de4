"""One request, sent and read as a run's are, before any run."""

from __future__ import annotations

import asyncio
from pathlib import Path

from assay.load.bodies import Bodies
from assay.load.plan import EndpointPlan, Timeouts
from assay.load.transport import EndpointPool, EndpointSettings, Exchange


def pool_settings(endpoint: EndpointPlan, timeouts: Timeouts) -> EndpointSettings:
    """What a pool of requests to `endpoint` needs to know."""
    return EndpointSettings(
        endpoint.connection,
        path=endpoint.path,
        needs_done=endpoint.needs_done,
        stall_timeout_s=timeouts.stall_s,
        request_timeout_s=timeouts.request_s,
    )


async def try_one(endpoint: EndpointPlan, timeouts: Timeouts, index: int) -> Exchange:
    """Send the body of that index and wait for what becomes of it. Raises UserError as a pool does."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Exchange] = loop.create_future()
    pool = EndpointPool(pool_settings(endpoint, timeouts), lambda exchange: None, done.set_result, loop)
    try:
        pool.submit(0, Bodies(Path(endpoint.bodies))[index])
        return await done
    finally:
        await pool.close()
