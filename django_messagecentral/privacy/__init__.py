"""What becomes of personal data: purged after a time, given out and erased on request."""
