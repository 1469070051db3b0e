"""The promises under fault, each shown with real processes: docs/faults.rst is the table."""
