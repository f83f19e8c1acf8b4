"""Frozen nouns, a file per family. Values only: no room is imported here, nothing happens here.

fleet      what was seen: Cluster, NodePool, Power
memory     what we remember of a cluster: Memory, TargetMemory, OpenAction, PersonHold
decisions  what should happen and why: Proposal, Decision, Action, Reason, Verdict, Plan
facts      Fact, Need, View: what a rule may look at
records    what is written down: HistoryRecord, Notice
"""
