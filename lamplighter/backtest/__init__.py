"""What a policy would have done: the same `decide` and `admit`, replayed over history in virtual time.

history      when clusters were needed: one Trace each; csv_history, swf_history and live_history read them
limits       how long AKS takes to start and stop
life         one cluster in the replay: its power, its memory, the work that waits for it
looking      one look at it, as a tick takes it
edges        when another look may see something else
budgets      whose stops count, and who asks
replay       the engine over all of them, instant by instant
alternatives what the policy is compared with: always on, a schedule, idle timeouts, the clairvoyant
measure      hours on, cold starts, needed time covered, minutes people waited
outcomes     the policy and what stands beside it, replayed and measured
report       the same as a table, as JSON and as a picture
"""
