"""The pure room: same inputs, same decisions. No clock, network, environment or log.

bound      the policy as values, ready to be asked: BoundRule, Guards, Environment, Freeze, Route
document   policy.yaml -> Policy, with every error at once
match      which clusters a block of the policy means
tags       the owners' contract
windows, calendars, schedule   time; nothing else knows zones
rules/     one file per rule
voices     who says what about a target, and who is heard
guards     what refuses or defers
decide     decide(view, policy, now) -> decisions about one cluster
admit      admit(decisions, fleet facts, policy, now) -> Plan for the fleet
remember   the fold that turns observations and outcomes into memory
claim      the protocol between queue and Azure
"""
