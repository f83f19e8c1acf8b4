"""One file per trigger, each short: read, ask the pure rooms, write. No rule, no schedule, no SDK.

tick    the timer: the whole arrow, from the fleet to the queue
pulse   every minute: open actions only
act     one message: look again, decide again, claim, act
look    a hint from Event Grid: look at one cluster sooner
tell    what people should know
override  a person's word over HTTP: keep-on, keep-off, wake
postpone  the link in a warning
poison  what nobody could carry out
"""
