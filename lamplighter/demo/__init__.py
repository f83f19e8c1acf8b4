"""The demo: a simulated week of a varied fleet on the deployed code path, over TLS.

fleet.yaml    the clusters, as the simulator describes them
policy.yaml   the policy that is in force
story.py      what a scene and a chapter are
chapters/     what people and Azure do in that week, a file for each thread of the story
stage.py      the world, its TLS server and the app on it
screen.py     what is shown while it runs, and the table at the end
"""
