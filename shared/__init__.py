"""What is deployed, and the map of it.

    trigger -> observe -> decide -> admit -> queue -> re-observe, decide again, claim, act -> record -> tell
               clients    pure      pure              clients                                 journal   reports

model/     frozen nouns; import nothing of the house
policy/    PURE: the policy file, owners' tags, time, voices, guards, rules, decide, admit
costs/     PURE: prices, bills and exports read, who pays for what, realised savings, the digest
reports/   PURE: one value -> text
clients/   the only importers of azure.*: fleet, clusters, market, billing, journal, queue, notify
handlers/  one file per trigger
app.py     the composition root
settings/, errors.py
"""
