"""Cloud Run's first API over HTTP (Knative serving v1), and what else gcloud asks: translated to the RPCs."""
