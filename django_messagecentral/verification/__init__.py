"""Phone verification: the service, its guards, and the doors a site uses it by."""
