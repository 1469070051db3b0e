"""Measurements against named peers: the same work, in the same run, on the same machine.

``python -m benchmarks COMMAND [--json]``; README.rst beside this file lists the commands.
"""
