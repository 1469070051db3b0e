"""Measurements against named peers: the same work, in the same run, on the same machine.

``python -m benchmarks import|dispatch|chaos ... [--json]``. See docs/.
"""
