"""The REST door to endpoints and deliveries."""
