"""google.monitoring.v3.MetricService over what this machine measures."""
