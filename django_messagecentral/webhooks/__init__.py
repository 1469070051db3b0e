"""Events for the site's own subscribers, by the Standard Webhooks specification."""
