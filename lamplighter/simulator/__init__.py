"""A small Azure to test against: AKS, Resource Graph, Monitor, locks and managed identity, on a clock of its own.

`handle(world, request) -> response` is the whole of it and knows no transport. It is mounted twice:
`SimulatorTransport(world)` for the real SDKs in process (waiting moves the clock), `serve(world)` over TLS for foreign
clients. The room shares no assumption with the engine: it never imports `shared.policy` or `shared.costs`.

    World                    the state; `World.from_fleet(document, now=...)`. Its methods for a test:
        cluster(name_or_id), pool(cluster, pool)        look
        advance(timedelta), now()                       move the clock (VirtualClock)
        person_starts / person_stops / person_scales / person_tags / foreign_operation     somebody else at work
        inject(Fault....)                               what goes wrong next; see `faults`
        add_lock(scope, level)                          management locks
        uses(cluster, begin, end)                       when it is used, which metrics and logs show; see `usage`
        writes(...), audit, events, power_intervals(cluster, pool)      what happened, for assertions
    handle(world, request)   one request, one response; UnknownRequest (an AssertionError) for what Azure here has not
    VirtualClock, SpeedClock
    SimulatorTransport(world), SimulatorCredential()    azure-core's `transport=` and `credential=`, in process
    serve(world, ...) -> Server     a context manager with arm_url, identity_endpoint, identity_header, ca_file

Files: clock; wire (requests, responses), refusals (every error text); fleet_file + fleet_dump (a document -> a world);
resources (cluster, pool, their JSON), operations (long-running ones), cluster_verbs + pool_verbs + endings (the state
machine), durations, throttle, faults, events, locks; router (URL -> route), cluster_routes, pool_routes,
platform_routes, identity, cloud_metadata; kql_syntax + kql (grammar), kql_values + kql_plan (evaluation),
graph_history (its lag), resource_graph; spot_market (nodes and their places), market_file, market_nodes, market_moves
(who gets and loses them), market_rows, market_routes; usage, node_readiness, monitor_metrics, monitor_logs; meter +
meter_prices + charges (what is billed), cost_query + cost_quota + cost_routes (Cost Management); transport, server,
certificate.
"""

from lamplighter.simulator.clock import Clock, SpeedClock, VirtualClock
from lamplighter.simulator.faults import Fault
from lamplighter.simulator.router import handle
from lamplighter.simulator.server import Server, serve
from lamplighter.simulator.transport import SimulatorAdapter, SimulatorCredential, SimulatorTransport
from lamplighter.simulator.wire import NoReply, Request, Response, UnknownRequest
from lamplighter.simulator.world import World

__all__ = [
    "Clock",
    "Fault",
    "NoReply",
    "Request",
    "Response",
    "Server",
    "SimulatorAdapter",
    "SimulatorCredential",
    "SimulatorTransport",
    "SpeedClock",
    "UnknownRequest",
    "VirtualClock",
    "World",
    "handle",
    "serve",
]
